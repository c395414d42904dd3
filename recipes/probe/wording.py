"""The wording of probing questions, from ``styles.yaml``."""

import re
from pathlib import Path
from typing import NamedTuple

import yaml

from metrics.vd_ei._vectors import ALIASES, AXES, CATEGORIES

PUBLISHED = "published"
STYLES: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("styles.yaml").read_text(encoding="utf-8"))
"""Style -> axis -> question."""

AXIS_OF = {category: axis for axis, halves in AXES.items() for category in halves}
OPPOSITE = {category: other for halves in AXES.values() for category, other in (halves, halves[::-1])}

_PUBLISHED_FORMS = {
    axis: re.compile(re.escape(wording).replace(r"\{a\}", "(?P<a>.+?)").replace(r"\{b\}", "(?P<b>.+?)"), re.IGNORECASE)
    for axis, wording in STYLES[PUBLISHED].items()
}


class Asked(NamedTuple):
    """What a question in published wording asks."""

    axis: str
    first: str
    """The object asked about."""
    second: str


def asked_by(question: str) -> Asked | None:
    """What a question in published wording asks; None for any other question.

    >>> asked_by("Compared to red cube, is cyan sphere far or close from you? Answer with only one word.")
    Asked(axis='distance', first='cyan sphere', second='red cube')
    """
    for axis, form in _PUBLISHED_FORMS.items():
        if found := form.fullmatch(question.strip()):
            return Asked(axis, found["a"], found["b"])
    return None


def questions_of(style: str, axis: str, first: str, second: str) -> tuple[str, str]:
    """The question about the first object, and the swapped one about the second."""
    wording = STYLES[style][axis]
    return wording.format(a=first, b=second), wording.format(a=second, b=first)


def category_named(word: object) -> str | None:
    """The category that a word means; None for a word the table does not know.

    >>> category_named(" Under"), category_named("beside")
    ('below', None)
    """
    text = str(word).strip().lower()
    text = ALIASES.get(text, text)
    return text if text in CATEGORIES else None
