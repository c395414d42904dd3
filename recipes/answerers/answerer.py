"""What answers questions. A new kind of model is one file with a class of this form."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from builders.errors import InputError
from recipes.grading import read_answer
from recipes.questions import Row

FAILED = "failed"
"""Status of a question that could not be answered (a server's error): a later run asks it again."""


@dataclass(frozen=True)
class Answer:
    """One answer."""

    raw_text: str
    """What the model wrote; empty where it was asked for probabilities only."""
    answer: str | None
    """What it commits to, in the form of the gold answer; None unless ``status`` is ``ok``."""
    status: str
    """``ok``, ``empty``, ``refused``, ``malformed``, ``ambiguous`` or ``failed``."""
    margin: float | None
    """Probability of the answer less that of the runner-up; None where the model gives none."""
    seconds: float
    """Time the answer took, of wall clock."""


class Answerer(Protocol):
    """Answers rows, in any order and any grouping alike. Classes that name it as their base need to say only in what
    they differ from one that looks at no picture and has no settings."""

    reads_images: bool = False
    """Whether rows must come with ``image``: encoded views in order."""
    settings: Mapping[str, Any] = {}
    """What the answers depend on besides model and seed (JSON): a run is resumed only under the same settings."""

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per row, in the order of the rows.

        Raises:
            OSError: it cannot go on now; the same command may be run again later.
        """
        ...

    def as_they_come(self, rows: Sequence[Row]) -> Iterator[Mapping[str, Answer]]:
        """``uid`` -> answer, of some rows at a time, for those that have some answers before others.

        Raises:
            OSError: it cannot go on now; what it gave before counts.
        """
        yield dict(zip((row["uid"] for row in rows), self.answer(rows), strict=True))

    def environment(self) -> dict[str, str]:
        """Libraries and devices at work, by name."""
        return {}

    def counts(self) -> dict[str, float]:
        """What happened so far, such as tokens and retries, by name."""
        return {}


def answer_from_text(row: Row, text: str, seconds: float) -> Answer:
    """The answer that a model's text commits to."""
    value, status = read_answer(row, text)
    return Answer(text, value, status, None, seconds)


def pictures_of(row: Row) -> list[bytes]:
    """The encoded pictures of a row.

    Raises:
        InputError: the dataset does not hold them.
    """
    views = row["image"]
    if not views or None in views:
        raise InputError(f"{row['uid']}: the dataset refers to its pictures but does not hold them; build it with "
                         "--pixels embedded, or from your own scans")
    return views
