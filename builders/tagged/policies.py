"""Which pair of a depth question with several options is compared, and what its tag then is.

The rule compares two objects; a question of EmbSpatial-Bench names four, of which one is the answer. The paper does not
say which of the other three its counts compare, so each way has a name, and every build counts them all.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from builders.heuristic import exact_gap, tag
from builders.randomness import generator
from builders.tagged.boxes import Box

PAIR = "pair"
"""``tag_policy`` of questions that name two objects: there is nothing to choose."""


@dataclass(frozen=True)
class Question:
    """A depth question: which of several objects is the farthest, or the nearest."""

    question_id: str
    height: int
    """Of the decoded image, pixels."""
    target_is_far: bool
    target: str
    """Name of the object that is the answer; empty if it names nothing."""
    others: tuple[str, ...]
    """Names of the other options, in the row's order; those that name nothing are left out."""
    boxes: Mapping[str, Box]
    """Name -> box, of the objects that can be placed in the image."""
    unplaced: Mapping[str, str] = field(default_factory=dict)
    """Name -> why it cannot."""
    problem: str = ""
    """Why the row can have no tag, whatever is chosen."""

    @property
    def placed(self) -> list[str]:
        """The other objects that have a box."""
        return [name for name in self.others if name in self.boxes]


@dataclass(frozen=True)
class Outcome:
    """What a row's tag is, or why it has none."""

    heuristic: str = ""
    vertical_gap: float | None = None
    far_object: str = ""
    near_object: str = ""
    reason: str = ""
    """Why there is no tag."""


Choose = Callable[[Sequence[Question], int], Iterator[Sequence[str]]]
"""(all questions in file order, seed) -> for each the objects that its target is compared with."""


def _random_distractor(questions: Sequence[Question], seed: int) -> Iterator[Sequence[str]]:
    """One of those that have a box, drawn by the question's id: the same in any order and selection of rows."""
    for question in questions:
        rng = generator("random_distractor", seed, question.question_id)
        yield [question.placed[rng.integers(len(question.placed))]] if question.placed else question.others


def _row_order_random(questions: Sequence[Question], seed: int) -> Iterator[Sequence[str]]:
    """What the released probing code draws: one generator of seed 42 for all rows in file order, a draw for each row
    whose answer and some other option have a name (its boxes are looked up later)."""
    rng = random.Random(42)
    for question in questions:
        yield [rng.choice(question.others)] if question.target and question.others else ()


def _nearest_in_height(questions: Sequence[Question], seed: int) -> Iterator[Sequence[str]]:
    """The one whose centre is nearest in height to the target's; of equals the first option."""
    for question in questions:
        if question.target in question.boxes and question.placed:
            yield [min(question.placed, key=lambda name: abs(_gap(question, name)))]
        else:
            yield question.others


def _all_distractors(questions: Sequence[Question], seed: int) -> Iterator[Sequence[str]]:
    """All of them; the row has a tag only if all pairs have the same."""
    for question in questions:
        yield question.others


POLICIES: dict[str, Choose] = {
    "random_distractor": _random_distractor,
    "row_order_random": _row_order_random,
    "nearest_in_height": _nearest_in_height,
    "all_distractors": _all_distractors,
}


def outcomes(policy: str, questions: Sequence[Question], seed: int) -> list[Outcome]:
    """The tag of each question under a policy.

    Args:
        questions: all, in file order.
        seed: of ``random_distractor``.
    """
    chosen = POLICIES[policy](questions, seed)
    return [compare(question, names) for question, names in zip(questions, chosen, strict=True)]


def compare(question: Question, names: Sequence[str]) -> Outcome:
    """The tag of a question whose target is compared with these objects. Of several, the gap is the smallest one."""
    if question.problem:
        return Outcome(reason=question.problem)
    missing = [name for name in (question.target, *names) if name not in question.boxes]
    if missing:
        return Outcome(reason=question.unplaced[missing[0]])
    if not names:
        return Outcome(reason="no_distractor")
    gaps = [_gap(question, name) for name in names]
    tags = {tag(gap) for gap in gaps}
    if len(tags) > 1:
        return Outcome(reason="distractors_disagree")
    far, near = (question.target, "; ".join(names))[:: 1 if question.target_is_far else -1]
    return Outcome(tags.pop(), float(min(gaps, key=abs)), far, near)


def _gap(question: Question, name: str) -> Fraction:
    """Of the target and another object, exactly; positive when the farther one is higher."""
    near, far = (question.boxes[n] for n in (name, question.target)[:: 1 if question.target_is_far else -1])
    return exact_gap(near, far, question.height)
