"""The trained parts together: one fusion layer, and heads by name."""

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.base import Head


class Adapters(nn.Module):
    """A fusion layer and the heads that read its descriptor."""

    def __init__(self, fusion: FusionLayer, head: Callable[[int, Sequence[str]], Head]) -> None:
        super().__init__()
        self.fusion = fusion
        self._make = head
        # Names come from users' folders and may hold what a module's name may not.
        self._names: list[str] = []
        self.heads = nn.ModuleList()

    @property
    def outputs(self) -> Mapping[str, tuple[str, ...]]:
        """The outputs of every head, by its name, in the order in which heads were made."""
        return {name: self[name].outputs for name in self._names}

    def provide(self, name: str, outputs: Sequence[str]) -> None:
        """Make the head of that name, or let it grow by the outputs that it lacks."""
        if name in self._names:
            self[name].grow(outputs)
            return
        self._names.append(name)
        head = self._make(self.fusion.width, outputs)
        self.heads.append(head.to(self.fusion.fitted.device))

    def __getitem__(self, name: str) -> Head:
        head = self.heads[self._names.index(name)]
        assert isinstance(head, Head)
        return head

    def forward(self, inputs: Sequence[Tensor], head: str) -> Tensor:
        """Map one tensor (B, C_l, ...) per input to the logits (B, O) of a head."""
        logits: Tensor = self[head](self.fusion(inputs))
        return logits
