"""Joint training: every experience at once, on the frozen backbone; forgets nothing."""

import torch
from torch import Tensor

from mlff_cli.methods.base import Context
from mlff_cli.methods.fitting import Optimisation, fit
from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.schedules.experience import Experience


class Joint(FrozenMethod):
    """Fusion layer and all heads trained together: the upper bound of a sequence."""

    all_at_once = True

    def __init__(
        self,
        context: Context,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        super().__init__(context, Optimisation(epochs, batch_size, learning_rate, weight_decay))

    def learn(self, experience: Experience) -> None:
        """Refuse one experience: there is no order in joint training."""
        raise NotImplementedError("joint training learns all experiences at once: learn_all")

    def learn_all(self, experiences: list[Experience]) -> None:
        """Train on all; a batch holds images of every experience, each read by its own head."""
        device = self.context.device.device
        parts = [self.training_features(experience) for experience in experiences]
        views = [
            [torch.cat(columns) for columns in zip(*(part[view] for part in parts), strict=True)]
            for view in range(self.context.views)
        ]
        heads = [self.adapters[experience.head] for experience in experiences]
        targets = [
            head.targets(experience.train, experience.outputs).to(device)
            for head, experience in zip(heads, experiences, strict=True)
        ]
        self.adapters.fusion.fit(views[0])
        for head, own in zip(heads, targets, strict=True):
            head.fit(own)
        owner = torch.cat([torch.full((len(own),), k) for k, own in enumerate(targets)])
        place = torch.cat([torch.arange(len(own)) for own in targets])

        def loss(positions: Tensor, epoch: int) -> Tensor:
            columns = views[epoch % len(views)]
            descriptor = self.adapters.descriptor([column[positions] for column in columns])
            total = torch.zeros((), device=device)
            for k, head in enumerate(heads):
                rows = torch.nonzero(owner[positions] == k).flatten()
                if len(rows):
                    own = targets[k][place[positions[rows]]]
                    total = total + head.loss(head(descriptor[rows]), own) * len(rows)
            return total / len(positions)

        fit(
            [self.adapters],
            loss,
            count=len(owner),
            settings=self.optimisation,
            seed_of=lambda epoch: self._number(experiences[-1], epoch),
            device=self.context.device,
            journal=self.context.journal,
            title="all experiences",
        )
