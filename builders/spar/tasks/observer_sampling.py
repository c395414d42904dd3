"""Which images and objects a question about an observer may combine."""

from collections.abc import Iterator, Sequence

import numpy as np

from builders.spar.askable import hidden_in
from builders.spar.facts import Asked
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.naming import unmistakable
from builders.spar.tasks.sampling import arrangements, choices_apart, take_turns, view_groups
from builders.spar.tasks.task import Proposal, Propose

_MOST_WAITING = 1000
"""Proposals of one kind that wait for one of the other, before a sampler gives up."""


def drawn_across_views(colors: Sequence[str], views: int) -> Propose:
    """Different objects in a chain of overlapping views, shown in random order; each view marks at least one, and none
    shows all."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_in(group: tuple[int, ...]) -> Iterator[Proposal]:
            shown = tuple(rng.permutation(group).tolist())
            spare = rng.integers(views, size=len(colors) - views).tolist()
            carriers = rng.permutation([*range(views), *spare]).tolist()
            pools = [sorted(record.images[shown[view]].objects) for view in carriers]
            for chosen in choices_apart(record, limits, shown, pools, rng):
                yield shown, tuple(map(Asked, chosen, carriers, colors))

        groups = view_groups(record, limits, views, rng)
        yield from take_turns([choices_in(groups[i]) for i in rng.permutation(len(groups)).tolist()])

    return propose


def drawn_in_video(colors: Sequence[str], named: bool = False) -> Propose:
    """Different objects of the video, each in the frame that shows it best.

    Args:
        named: only objects that their label names unmistakably, for questions without markers.
    """

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        best: dict[str, tuple[float, int]] = {}
        for view, image in enumerate(record.video):
            for name, seen in record.images[image].objects.items():
                if named and name not in unmistakable(record):
                    continue
                quality = seen.visible_fraction * seen.in_image_fraction
                if name not in best or quality > best[name][0]:
                    best[name] = quality, view
        for chosen in arrangements(sorted(best), len(colors), rng):
            yield record.video, tuple(Asked(o, best[o][1], c) for o, c in zip(chosen, colors, strict=True))

    return propose


def hidden_from_first(color: str, views: int) -> Propose:
    """An object marked in one of several overlapping views, of which the first does not show it."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_in(group: tuple[int, ...]) -> Iterator[Proposal]:
            shown = tuple(rng.permutation(group).tolist())
            carrier = int(rng.integers(1, views))
            marked = sorted(record.images[shown[carrier]].objects)
            hidden = [name for name in marked if hidden_in(record, limits, shown[0], name)]
            for i in rng.permutation(len(hidden)).tolist():
                yield shown, (Asked(hidden[i], carrier, color),)

        groups = view_groups(record, limits, views, rng)
        yield from take_turns([choices_in(groups[i]) for i in rng.permutation(len(groups)).tolist()])

    return propose
