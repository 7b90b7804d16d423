"""The trained parts together: one fusion layer, and heads by name."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.base import Head


class Adapters(nn.Module):
    """A fusion layer and the heads that read its descriptor."""

    def __init__(self, fusion: FusionLayer, head: Callable[[int, int], Head]) -> None:
        super().__init__()
        self.fusion = fusion
        self._make = head
        # Names come from users' folders and may hold what a module's name may not.
        self.names: list[str] = []
        self._heads = nn.ModuleList()

    @property
    def heads(self) -> list[Head]:
        """The heads in the order they were made."""
        return [head for head in self._heads if isinstance(head, Head)]

    def prepare(self, name: str, outputs: int) -> None:
        """Make the head of that name, or let it grow to the number of outputs."""
        if name in self.names:
            self[name].grow(outputs)
            return
        device = next(iter(self.fusion.state_dict().values())).device
        self.names.append(name)
        self._heads.append(self._make(self.fusion.width, outputs).to(device))

    def __getitem__(self, name: str) -> Head:
        head = self._heads[self.names.index(name)]
        assert isinstance(head, Head)
        return head

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def descriptor(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse one tensor (B, C_l) per input into what heads read (B, D), thinned in training."""
        descriptor: Tensor = self.fusion.dropout(self.fusion(inputs))
        return descriptor

    def forward(self, inputs: Sequence[Tensor], head: str) -> Tensor:
        """Map one tensor (B, C_l) per input to the outputs (B, O) of a head."""
        outputs: Tensor = self[head](self.descriptor(inputs))
        return outputs
