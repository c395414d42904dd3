"""One derived figure: what a paper prints, what its own numbers give, and the verdict on the two."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from recipes.published import Mismatch, Published, PublishedTable

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

    def is_as_listed(self, mismatch: Mismatch) -> bool:
        """Whether it is the mismatch that was listed: the same printed value, and the other to half of the last digit.

        >>> medium = Figure("GPT-4o", "Medium", 26.49, 24.3267, 0.0101, 2)
        >>> medium.is_as_listed(Mismatch("", 26.49, 24.33)), medium.is_as_listed(Mismatch("", 26.49, 24.34))
        (True, False)
        """
        if self.published is None:
            return False
        half = 0.5 * 10**-self.decimals
        return (
            abs(self.published - mismatch.printed) <= _ROUNDING
            and abs(self.recomputed - mismatch.recomputed) <= half + _ROUNDING
        )


class Judged(NamedTuple):
    """A figure with its verdict, and the reason where it is a mismatch that is known or was another when listed."""

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

    A mismatch is expected only if the list names this very figure with these very values; a figure on the list that
    agrees is a fault of the list.
    """
    expected = {key[1:]: mismatch for key, mismatch in published.expected_mismatches.items() if key[0] == name}
    judged = [_judged(figure, expected.pop((figure.row, figure.quantity), None)) for figure in check.figures(published)]
    for (row, quantity), mismatch in expected.items():  # listed, but no such figure exists
        judged.append(Judged(Figure(row, quantity, None, float("nan"), 0.0, 2), Verdict.STALE, mismatch.reason))
    return judged


def _judged(figure: Figure, listed: Mismatch | None) -> Judged:
    if listed is None:
        plain = Verdict.NOT_PRINTED if figure.published is None else Verdict.AGREES
        return Judged(figure, plain if figure.agrees else Verdict.DIFFERS)
    if figure.is_as_listed(listed):
        return Judged(figure, Verdict.STALE if figure.agrees else Verdict.EXPECTED, listed.reason)
    if figure.agrees and figure.published is not None:
        return Judged(figure, Verdict.STALE, listed.reason)
    values = f"{listed.printed:.{figure.decimals}f} printed, {listed.recomputed:.{figure.decimals}f} recomputed"
    return Judged(figure, Verdict.DIFFERS, f"Listed as a mismatch with other values: {values}.")


def faults(judged: list[Judged]) -> int:
    """How many figures are wrong, or wrongly listed."""
    return sum(item.verdict in (Verdict.DIFFERS, Verdict.STALE) for item in judged)


def within(
    row: str, quantity: str, value: float, bounds: tuple[float, float], decimals: int, tolerance: float = 0.0
) -> Figure:
    """A printed value against the nearest one that lies between two bounds.

    >>> within("RoboRefer", "v", 0.9, (0.743, 0.804), 3).recomputed
    0.804
    """
    low, high = sorted(bounds)
    return Figure(row, quantity, value, min(max(value, low), high), tolerance, decimals)


def in_range(table: PublishedTable, columns: tuple[str, ...], low: float, high: float, decimals: int) -> list[Figure]:
    """Of each column the value farthest from the middle of a range, against the range."""
    figures = []
    for column in columns:
        values = [value for row in table.rows if (value := table.value(row, column)) is not None]
        farthest = max(values, key=lambda value: abs(value - (low + high) / 2))
        figures.append(within(table.name, f"{column} in {low:g} to {high:g}", farthest, (low, high), decimals))
    return figures


def nearest_share(percent: float, units: int) -> float:
    """The percentage k / units that lies nearest to a printed one.

    >>> round(nearest_share(68.6, 124), 2)
    68.55
    """
    return 100 * round(percent / 100 * units) / units
