"""Which images and objects a question about an observer may combine."""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

import numpy as np

from builders.spar.askable import hidden_in
from builders.spar.facts import Asked, Rejected
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.relations import RelationFact, relation_slot
from builders.spar.tasks.naming import unmistakable
from builders.spar.tasks.sampling import arrangements, one_of_each, take_turns, view_groups
from builders.spar.tasks.task import Measure, Proposal, Propose

_MOST_WAITING = 1000
"""Proposals of one kind that wait for one of the other, before a sampler gives up."""


def drawn_across_views(colors: Sequence[str], views: int) -> Propose:
    """Different objects in a chain of overlapping views, shown in random order; each view marks at least one."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_in(group: tuple[int, ...]) -> Iterator[Proposal]:
            shown = tuple(rng.permutation(group).tolist())
            spare = rng.integers(views, size=len(colors) - views).tolist()
            carriers = rng.permutation([*range(views), *spare]).tolist()
            pools = [sorted(record.images[shown[view]].objects) for view in carriers]
            for chosen in one_of_each(pools, rng):
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


def front_and_behind_in_turn(propose: Propose, measure: Measure, of_each: bool = False) -> Propose:
    """As many proposals whose object is in front as behind: cameras look at what is interesting, so that a guesser
    would say "front" (x and distances are symmetric by nature). What is rejected, level or closed
    passes as it comes.

    Args:
        of_each: as many of each single object, too, one after the other.
    """

    def proposed(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        waiting: dict[tuple[str, str], deque[Proposal]] = defaultdict(deque)
        for proposal in propose(record, limits, rng):
            fact = measure(record, limits, rng, proposal)
            word = "" if isinstance(fact, Rejected) else _facing(fact, limits)
            if not word:
                yield proposal
                continue
            of = proposal[1][0].object_id if of_each else ""
            other = of, "behind" if word == "front" else "front"
            if waiting[other]:
                yield waiting[other].popleft()
                yield proposal
            elif len(waiting[of, word]) < _MOST_WAITING:
                waiting[of, word].append(proposal)
            else:
                return

    return proposed


def _facing(fact: object, limits: Limits) -> str:
    assert isinstance(fact, RelationFact)
    if "facing" in fact.closed:
        return ""
    return relation_slot("facing", dict(fact.differences)["facing"], limits.relation_band)
