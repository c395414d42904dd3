"""Answers that are yes or no."""

import re

from ._answers import Parsed, final_text
from ._choices import parse_choice

_WORD = re.compile(r"\b(yes|no)\b", re.I)
_STARTS_SO = re.compile(r"\W*(yes|no)\b(?!\s*(?:/|or\b|and\b|idea\b))", re.I)


def parse_yes_no(answer: object) -> Parsed[str]:
    """Read ``Yes`` or ``No``: at the start, or as the only one of the two that a text commits to.

    >>> [parse_yes_no(text).value for text in ("yes", "No, it is right of it.", "The answer is yes")]
    ['Yes', 'No', 'Yes']
    >>> [parse_yes_no(text).status for text in ("", "No idea", "Yes or no", "A")]
    ['empty', 'refused', 'ambiguous', 'malformed']
    """
    final = final_text(answer)
    if final.value is None:
        return Parsed(None, final.status)
    if start := _STARTS_SO.match(final.value):
        return Parsed(start[1].capitalize(), "ok")
    letter, status = parse_choice(final.value, ["Yes", "No"])
    if status == "ok" and not _WORD.search(final.value):  # "A" is no answer to a yes-or-no question
        return Parsed(None, "malformed")
    return Parsed({"A": "Yes", "B": "No"}.get(letter or ""), status)


def gold_yes_no(reference: object) -> str | None:
    """``Yes`` or ``No`` where the gold is one, else None.

    >>> gold_yes_no("yes"), gold_yes_no("B")
    ('Yes', None)
    """
    word = str(reference).strip().strip(".").capitalize()
    return word if word in ("Yes", "No") else None
