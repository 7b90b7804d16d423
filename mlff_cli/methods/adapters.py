"""The trained parts together: heads by name, and the fusion layers that they read."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import Tensor, nn

from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.base import Head


class Adapters(nn.Module):
    """Heads, and one fusion layer for all of them, or one of its own for each.

    Attributes:
        fusion: The layer of all heads, or that of the first; all read the same inputs.
        further: Those of the other heads, in their order, where each has its own.
    """

    def __init__(
        self,
        fusion: Callable[[], FusionLayer],
        head: Callable[[int, Sequence[str]], Head],
        *,
        own_fusion: bool = False,
    ) -> None:
        super().__init__()
        self.own_fusion = own_fusion
        self._make_fusion = fusion
        self._make = head
        self.fusion = fusion()
        self.further = nn.ModuleList()
        # Names come from users' folders and may hold what a module's name may not.
        self._places: dict[str, int] = {}
        self.heads = nn.ModuleList()

    @property
    def outputs(self) -> Mapping[str, tuple[str, ...]]:
        """The outputs of every head, by its name, in the order in which heads were made."""
        heads = zip(self._places, self.heads, strict=True)
        return {name: head.outputs for name, head in heads if isinstance(head, Head)}

    def provide(self, name: str, outputs: Sequence[str]) -> None:
        """Make the head of that name (and its own fusion layer), or let it grow by new outputs."""
        if name in self:
            self[name].grow(outputs)
            return
        device = self.fusion.fitted.device
        if self.own_fusion and self._places:
            self.further.append(self._make_fusion().to(device).eval())
        self._places[name] = len(self._places)
        self.heads.append(self._make(self.fusion.width, outputs).to(device))

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __getitem__(self, name: str) -> Head:
        head = self.heads[self._places[name]]
        assert isinstance(head, Head)
        return head

    def fusion_layers(self) -> list[FusionLayer]:
        """Return every fusion layer, in the order of heads."""
        further = (layer for layer in self.further if isinstance(layer, FusionLayer))
        return [self.fusion, *further]

    def fusion_of(self, head: str) -> FusionLayer:
        """Return the fusion layer that a head reads."""
        number = self._places[head] if self.own_fusion else 0
        layer = self.further[number - 1] if number else self.fusion
        assert isinstance(layer, FusionLayer)
        return layer

    def part(self, head: str) -> dict[str, Tensor]:
        """Return the tensors of a head and of the fusion layer that it reads, by name."""
        layers = {"fusion": self.fusion_of(head), "head": self[head]}
        return {
            f"{name}.{key}": tensor
            for name, layer in layers.items()
            for key, tensor in layer.state_dict().items()
        }

    def state_of(self, heads: Iterable[str], prefix: str) -> dict[str, Tensor]:
        """Return what `state_dict` does, of some heads and of their own fusion layers alone."""
        found: dict[str, Tensor] = {}
        for name in heads:
            place = self._places[name]
            fusion = f"further.{place - 1}." if place else "fusion."
            self.fusion_of(name).state_dict(destination=found, prefix=f"{prefix}{fusion}")
            self[name].state_dict(destination=found, prefix=f"{prefix}heads.{place}.")
        return found

    def trainable_parameters(self, heads: Iterable[str]) -> int:
        """Return the number of parameters that train in those of some heads that there are.

        The fusion layers that they read count as well: the layer of all, or that of the first.
        """
        layers: set[nn.Module] = set()
        if not (self.own_fusion and self._places):
            layers.add(self.fusion)
        for name in heads:
            if name in self:
                layers |= {self[name], self.fusion_of(name)}
        parameters = (parameter for layer in layers for parameter in layer.parameters())
        return sum(parameter.numel() for parameter in parameters if parameter.requires_grad)

    def alone(self, name: str, outputs: Sequence[str]) -> "Adapters":
        """Return others with one head, untrained; its fusion layer is new, or that of all."""
        make = self._make_fusion if self.own_fusion else self._same_fusion
        others = Adapters(make, self._make, own_fusion=self.own_fusion)
        others.provide(name, outputs)
        return others.to(self.fusion.fitted.device).eval()

    def _same_fusion(self) -> FusionLayer:
        return self.fusion

    def forward(self, inputs: Sequence[Tensor], head: str) -> Tensor:
        """Map one tensor (B, C_l, ...) per input to the logits (B, O) of a head."""
        logits: Tensor = self[head](self.fusion_of(head)(inputs))
        return logits
