"""Joint training: every experience at once, on the frozen backbone; forgets nothing."""

import torch
from torch import Tensor

from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.methods.training import fit
from mlff_cli.tasks.experience import Experience


class Joint(FrozenMethod):
    """Fusion layer and all heads trained together: the upper bound of a sequence."""

    all_at_once = True

    def learn(self, experience: Experience) -> None:
        """Refuse one experience: there is no order in joint training."""
        raise NotImplementedError("joint training learns all experiences at once: learn_all")

    def learn_all(self, experiences: list[Experience]) -> None:
        """Train on all; a batch holds images of every experience, each read by its own head."""
        device = self.context.device.device
        features = self.training_features(experiences)
        self.adapters.fusion.fit(features.plain[:])
        # A head that several experiences share has the outputs of the last of them.
        outputs = {experience.head: experience.outputs for experience in experiences}
        heads = [self.adapters[name] for name in outputs]
        records = [
            [record for experience in experiences if experience.head == name
             for record in experience.train]
            for name in outputs
        ]  # fmt: skip
        targets = [
            head.targets(own, names).to(device)
            for head, own, names in zip(heads, records, outputs.values(), strict=True)
        ]
        for head, own in zip(heads, targets, strict=True):
            head.fit(own)
        numbers = {name: number for number, name in enumerate(outputs)}
        owner = torch.cat([torch.full((len(e.train),), numbers[e.head]) for e in experiences])
        place = torch.empty_like(owner)
        for number, own in enumerate(targets):
            place[owner == number] = torch.arange(len(own))

        def loss(positions: Tensor, epoch: int) -> Tensor:
            descriptor = self.adapters.descriptor(features.of(epoch)[positions])
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
            small=True,
        )
