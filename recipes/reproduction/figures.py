"""One derived figure: what a paper prints, what its own numbers give, and the verdict on the two."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from recipes.published import Published

_ROUNDING = 1e-9
"""Binary rounding of differences between printed decimals."""


class Verdict(StrEnum):
    AGREES = "agrees"
    EXPECTED = "expected mismatch"
    NOT_PRINTED = "not printed"
    DIFFERS = "DIFFERS"
    STALE = "LISTED, AGREES"


class Figure(NamedTuple):
    """A figure of the row ``row`` of a printed table."""

    row: str
    quantity: str
    published: float | None
    """As printed; None where the paper prints no such figure."""
    recomputed: float
    tolerance: float
    decimals: int

    @property
    def agrees(self) -> bool:
        """Whether the two lie within the tolerance.

        >>> Figure("Molmo 2M", "delta", 0.267, 0.804 - 0.538, 0.0011, 3).agrees
        True
        """
        return self.published is None or abs(self.published - self.recomputed) <= self.tolerance + _ROUNDING


class Judged(NamedTuple):
    """A figure with its verdict, and the reason where it is a mismatch that is known."""

    figure: Figure
    verdict: Verdict
    reason: str = ""


class Check(NamedTuple):
    """A set of derived figures that follow from the same printed numbers in the same way."""

    about: str
    """What is recomputed from what, and the tolerance with its reason."""
    figures: Callable[[Published], list[Figure]]


def judge(name: str, check: Check, published: Published) -> list[Judged]:
    """Every figure of a check with its verdict.

    A mismatch is expected only if the list names this very figure, and a figure on the list that agrees is a fault of
    the list.
    """
    expected = {key[1:]: reason for key, reason in published.expected_mismatches.items() if key[0] == name}
    judged = []
    for figure in check.figures(published):
        reason = expected.pop((figure.row, figure.quantity), "")
        if figure.published is None:
            verdict = Verdict.NOT_PRINTED
        elif figure.agrees:
            verdict = Verdict.STALE if reason else Verdict.AGREES
        else:
            verdict = Verdict.EXPECTED if reason else Verdict.DIFFERS
        judged.append(Judged(figure, verdict, reason))
    for (row, quantity), reason in expected.items():  # listed, but no such figure exists
        judged.append(Judged(Figure(row, quantity, None, float("nan"), 0.0, 2), Verdict.STALE, reason))
    return judged


def faults(judged: list[Judged]) -> int:
    """How many figures are wrong, or wrongly listed."""
    return sum(item.verdict in (Verdict.DIFFERS, Verdict.STALE) for item in judged)


def nearest_share(percent: float, units: int) -> float:
    """The percentage k / units that lies nearest to a printed one.

    >>> round(nearest_share(68.6, 124), 2)
    68.55
    """
    return 100 * round(percent / 100 * units) / units
