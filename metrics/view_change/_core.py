"""Score of camera motions between two views: the mean relative accuracy of five signed parts (SPAR, section 3.3)."""

from collections.abc import Hashable, Sequence
from typing import Any

from ._answers import Compat, check_compat
from ._motion_answers import PARTS, score_motions
from ._summary import check_lengths, summary


def view_change(
    predictions: Sequence[object],
    references: Sequence[str],
    *,
    groups: Sequence[Hashable] | None = None,
    compat: Compat = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """View-change score of N answers with its interval.

    Args:
        predictions: (N,) answer texts; what states no motion scores 0 and is counted.
        references: (N,) golds like "move_right:1.2,move_up:0.4,rotate_left:90", in metres and degrees; a part that is
            not there is 0.
        groups: (N,) image pair or scene of each item, for an interval that respects what items share.
        compat: None, or the evaluator whose scores to give: "spar", "lmms-eval" (the same) or "vlmevalkit".
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}; ``value`` holds the five parts by name, in metres
            and degrees, None for a part that the answer leaves out.

    Returns:
        view_change (0 to 1), n, n_unparsed, n_incomplete (answers read that leave parts out), low, high, interval (its
        method), n_groups. Without items view_change, low and high are NaN and ``reason`` says so.

    Raises:
        ValueError: a gold that states no motion, columns of different lengths, an unknown ``compat``.

    >>> gold = "move_right:1.2,move_up:0.4,move_forward:1.4,rotate_up:5,rotate_left:90"
    >>> round(view_change([gold, "turn left 90 degrees", "I cannot tell"], [gold] * 3)["view_change"], 3)
    0.4
    """
    check_compat(compat)
    check_lengths(len(references), predictions=predictions)
    scores, read = score_motions(predictions, references, compat=compat)
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed, "return_items": return_items}
    result = summary("view_change", scores, read, groups, **settings)
    result["n_incomplete"] = sum(item.value is not None and None in item.value for item in read)
    for item in result.get("items", []):
        item["value"] = None if item["value"] is None else dict(zip(PARTS, item["value"]))
    return result
