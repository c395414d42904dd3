"""Golds checked by a second route.

``verify`` starts from a finished row and the stored cameras and boxes, and has its task compute the answer again by
other formulas (``Task.recompute``). It also checks what a reader would: that the options hold the answer once, that
the letter names it, that the answer says what the second route found, that printed numbers are the exact ones rounded.
"""

from typing import Any

from builders.spar.choices import LETTERS
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.second_route import Second, numbers_in
from builders.spar.tasks import ALL_TASKS

_HALF_STEP = {"m": 0.05, "m2": 0.05, "px1000": 0.5, "cm": 0.5, "deg": 2.5, "count": 0.0, "frame": 0.0}
"""Half of the step in which a unit is printed."""


def verify(row: dict[str, Any], record: SceneRecord, limits: Limits) -> str | None:
    """What is wrong with a row, or None."""
    problem = _printing_problem(row) or _option_problem(row)
    if problem:
        return problem
    try:
        second = ALL_TASKS[row["task"]].recompute(row, record, limits)
    except KeyError as error:
        return f"the scene lacks {error}"
    if isinstance(second, str):
        return second
    exact, again = row["answer_exact"], second.exact.tolist()
    tolerance = 1e-6 * max([1.0, *map(abs, again)])
    if len(exact) != len(again) or not all([abs(a - b) <= tolerance for a, b in zip(exact, again)]):
        return "gold differs"
    return _saying_problem(row, second)


def _printing_problem(row: dict[str, Any]) -> str | None:
    """Printed numbers must be the exact ones rounded, by a bound instead of a rounding rule."""
    for value, exact, unit in zip(row["answer_value"], row["answer_exact"], row["unit"], strict=True):
        if not abs(value - exact) <= _HALF_STEP[unit] + 1e-9:
            return "printed number differs"
    return None


def _option_problem(row: dict[str, Any]) -> str | None:
    options = row["options"]
    if row["format_type"] != "select":
        return "options without choice" if options else None
    if len(set(options)) != len(options):
        return "equal options"
    if row["answer"] not in LETTERS[: len(options)]:
        return "letter without option"
    shown = row["question"].split("\n")[-len(options) :]
    if shown != [f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False)]:
        return "options not shown"
    return None


def _saying_problem(row: dict[str, Any], second: Second) -> str | None:
    """The answer must say the gold: exactly, or, in a sentence, every number or word of it."""
    answer = row["options"][LETTERS.index(row["answer"])] if row["format_type"] == "select" else row["answer"]
    if second.text is None:
        said = numbers_in(answer)
        if row["format_type"] == "sentence":
            missing = [value for value in row["answer_value"] if abs(value) not in said]
            return "sentence without the number" if missing else None
        return None if said == row["answer_value"] else "answer is not the printed number"
    if row["format_type"] == "sentence":
        words = [word.strip() for word in second.text.split(",")]
        return None if all(word in answer for word in words) else "sentence without the answer"
    return None if answer == second.text else "answer differs"
