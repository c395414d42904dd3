"""Mean relative accuracy of answers that list several numbers, such as length, width and height."""

from collections.abc import Hashable, Sequence
from typing import Any

from ._number_lists import score_number_lists
from ._numbers import unit_of
from ._summary import check_lengths, summary


def number_list(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    unit: str | Sequence[str | None] | None = None,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Mean over N answers of the mean relative accuracy (MRA) over the numbers of each, with its interval.

    Args:
        predictions: (N,) answer texts; what does not list as many numbers as its gold scores 0 and is counted.
        references: (N,) golds such as "120, 60, 75".
        unit: unit of the golds ("m", "cm", ...), one or one per item. Answers that state another unit of the same
            dimension are converted; without it numbers are taken as written.
        groups: (N,) image or scene of each item, for an interval that respects what items share.
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}.

    Returns:
        mra (0 to 1), n, n_unparsed, low, high, interval (its method), n_groups. Without items mra, low and high are
        NaN and ``reason`` says so.

    Raises:
        ValueError: a gold without numbers, an unknown unit, columns of different lengths.

    >>> result = number_list(["1.2 m, 0.3 m, 75 cm", "about 2"], ["120, 60, 75"] * 2, unit="cm")
    >>> round(result["mra"], 3), result["n_unparsed"]
    (0.35, 1)
    """
    n = len(references)
    units = [unit] * n if unit is None or isinstance(unit, str) else list(unit)
    check_lengths(n, predictions=predictions, unit=units)
    if unknown := [name for name in units if name and unit_of(name) is None]:
        raise ValueError(f"unit: {unknown[0]!r} is not a unit of length, area or angle")
    scores, read = score_number_lists(predictions, references, units=units)
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed, "return_items": return_items}
    return summary("mra", scores, read, groups, **settings)
