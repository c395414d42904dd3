"""What answers questions. A new kind of model is one file with a class of this form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from recipes.grading import grader_of
from recipes.questions import Row


@dataclass(frozen=True)
class Answer:
    """One answer."""

    raw_text: str
    """What the model wrote; empty where it was asked for probabilities only."""
    answer: str | None
    """What it commits to, in the form of the gold answer; None unless ``status`` is ``ok``."""
    status: str
    """``ok``, ``empty``, ``refused``, ``malformed`` or ``ambiguous``."""
    margin: float | None
    """Probability of the answer less that of the runner-up; None where the model gives none."""
    seconds: float
    """Time the answer took, of wall clock."""


class Answerer(Protocol):
    """Answers rows, in any order and any grouping alike."""

    reads_images: bool
    """Whether rows must come with ``image``: encoded views in order."""

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per row, in the order of the rows."""
        ...


def answer_from_text(row: Row, text: str, seconds: float) -> Answer:
    """The answer that a model's text commits to."""
    value, status = grader_of(row).read(row, text)
    return Answer(text, value, status, None, seconds)
