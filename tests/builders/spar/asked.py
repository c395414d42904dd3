"""The questions of one task about one scene, and what their answers say."""

from collections import Counter

from builders.spar.limits import Limits
from builders.spar.rows import task_rows

LIMITS = Limits(min_in_image_fraction=0.3)
"""For toy scenes, whose views cut many of their few boxes off."""


def rows_of(record, task, format_type, wanted=60, limits=LIMITS, rejected=None, seed=0):
    """Rows as a build makes them; ``rejected`` is a counter of reasons to add to."""
    return list(task_rows(task, format_type, record, limits, wanted, ("t", "1", seed),
                          Counter() if rejected is None else rejected))


def said(row):
    """The gold as a reader finds it: the text of the answer, or of the right option."""
    return row["options"]["ABCD".index(row["answer"])] if row["options"] else row["answer"]


def slots_of(triple: str) -> list[str]:
    """The three words of an option such as "left, , behind"."""
    return [word.strip() for word in triple.split(",")]
