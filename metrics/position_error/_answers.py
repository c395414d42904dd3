"""Strict reading of a model's answer: its status, and the part of the text that holds the final answer.

Strict means: an answer counts only when the text commits to one value. Reasoning (``<think>...</think>``) is skipped,
an explicit final answer (``<answer>``, ``\\boxed{}``, "the answer is ...") outranks the rest, and an answer that is
empty, refused or undecided never becomes a value. A refusal outranks any value that is not marked as the answer. Of a
JSON object only its answer is read.
"""

import json
import re
import unicodedata
from typing import Generic, Literal, NamedTuple, TypeVar

Status = Literal["ok", "empty", "refused", "ambiguous", "malformed"]
Compat = Literal["spar", "lmms-eval", "vlmevalkit"] | None
"""The released evaluator whose scores to give, slips included; None for correct ones."""

Value = TypeVar("Value")


class Parsed(NamedTuple, Generic[Value]):
    """One answer as read; ``value`` is None unless ``status`` is ``ok``."""

    value: Value | None
    status: Status


def check_compat(compat: object) -> None:
    """Raises ValueError unless ``compat`` is None or a released evaluator."""
    if compat not in (None, "spar", "lmms-eval", "vlmevalkit"):
        raise ValueError(f"compat: expected None, 'spar', 'lmms-eval' or 'vlmevalkit', got {compat!r}")


class GoldError(ValueError):
    """A reference that is not what its question asks for."""

    def __init__(self, item: int, problem: str) -> None:
        super().__init__(f"references: item {item} is {problem}")
        self.item = item
        """Position in the references."""
        self.problem = problem
        """The reference, and what it should be."""


BLANK = {"", "nan", "none", "null", "n/a"}
_CHARACTERS = str.maketrans({"\u2212": "-", "\u00b2": "^2", "\u00b3": "^3", "\u2019": "'"})
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff]|\\*\\*|__|`+")
_WIDE_SPACE = re.compile(r"[^\S\n]{2,}|[^\S\n]*\n\s*")
_THOUSANDS = re.compile("(?<=\\d)['\\u2009\\u202f](?=\\d{3}(?!\\d))")  # comma apart, as Swiss and SI texts write them
_LATEX_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}")
_THINK_END = re.compile(r"<\s*/\s*think(?:ing)?\s*>", re.I)
_THINK_START = re.compile(r"<\s*think(?:ing)?\s*>", re.I)
_ANSWER_START = re.compile(r"<\s*answer\b[^<>]*>", re.I)
_ANSWER_END = re.compile(r"<\s*/\s*answer\s*>", re.I)
_BOXED = re.compile(r"\\boxed\s*\{([^{}]*)\}")

REFUSED = re.compile(
    r"\b(?:can(?:no|')t|cannot|can\s+not|could(?:\s+not|n't)|unable\s+to|not\s+able\s+to|(?:im|not\s+)possible\s+to)\s+"
    r"(?:\w+\s+){0,3}?(?:determined?|tell|say|answer(?:ed)?|see|seen|identif\w+|measured?|estimated?|assess(?:ed)?|know"
    r"|known|provided?|help|assist|view|judged?|computed?|calculated?|inferr?(?:ed)?|decided?)\b"
    r"|\b(?:don't|do\s+not|doesn't)\s+know\b|\bno\s+idea\b|\bas\s+an\s+ai\b"
    r"|\b(?:insufficient|not\s+enough)\s+(?:visual\s+)?(?:information|context|data|detail)"
    r"|\b(?:is|are)\s+(?:unknown|undetermined|indeterminate)\b"
    r"|^\W*(?:unknown|undetermined|indeterminate|(?:i'm\s+|i\s+am\s+)?sorry)\b(?!\s+for\b)",
    re.I,
)
MARKED = r"\b(?:answer|best\s+(?:estimate|guess))(?:\s+\w+){0,4}?[\"']?\s*(?:\b(?:is|be)\b|[:=\u2192]|->)"
"""Pattern of the words that announce an answer: "the answer is", "Answer:", "my best estimate would be"."""
UNDECIDED = re.compile(r"\b(?:not\s+(?:sure|certain)|unsure|uncertain|unclear)\b", re.I)


# Of the rule-based matcher of VLMEvalKit
VLMEVALKIT_INVISIBLE = re.compile("[\u200b\u200c\u200d\ufeff]")
VLMEVALKIT_THINK_MARKS = (re.compile(r"<\s*/\s*think\s*>", re.I), re.compile(r"<\s*think\s*>", re.I))

_JSON_KEYS = ("final answer", "answer", "choice", "option", "result")  # the first that is there is read


def _json_answer(text: str) -> str | None:
    """The answer a JSON object gives, with its unit and the text after the object; None without such an object."""
    start, end = text.find("{"), text.rfind("}") + 1
    try:
        found = json.loads(text[start:end]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return None
    fields = {key.lower().replace("_", " "): value for key, value in found.items()} if isinstance(found, dict) else {}
    for key in _JSON_KEYS:
        if key in fields:
            value = fields[key] if isinstance(fields[key], str) else json.dumps(fields[key])
            unit = fields.get("unit") if not isinstance(fields[key], str) else None
            stated = f"{value} {unit}" if isinstance(unit, str) else value
            return "\n".join(part for part in (stated.strip(), text[end:].strip()) if part)
    return None


def _tagged_answer(text: str) -> str | None:
    """What the last answer tag holds, also when the opening or the closing tag is missing; None without a tag."""
    closing = list(_ANSWER_END.finditer(text))
    end = closing[-1].start() if closing else len(text)
    opening = list(_ANSWER_START.finditer(text, 0, end))
    return text[opening[-1].end() if opening else 0 : end].strip() if opening or closing else None


def final_part(text: str) -> str | None:
    """The text after any reasoning, cut down to its tag, box or JSON field; None when the reasoning never ends."""
    final = _after_reasoning(text)
    stated = _json_answer(final) if final else None
    return final if stated is None else stated


def plain_characters(text: str) -> str:
    """One way to write what can be written in several: apostrophes, minus signs, powers, thousands, composed letters;
    without emphasis and characters that do not show.

    >>> plain_characters("the lady\u2019s \ufb01replace, **2 m\u00b2**")
    "the lady's fireplace, 2 m^2"
    """
    text = unicodedata.normalize("NFKC", _THOUSANDS.sub("", text.translate(_CHARACTERS)))
    return _INVISIBLE.sub("", text)


def _after_reasoning(text: str) -> str | None:
    whole = _LATEX_TEXT.sub(r"\1", plain_characters(text))
    whole = _WIDE_SPACE.sub(lambda space: "\n" if "\n" in space[0] else " ", whole)
    ends = list(_THINK_END.finditer(whole))
    start = _THINK_START.search(whole)
    tail = (whole[ends[-1].end() :] if ends else whole[: start.start()] if start else whole).strip()
    tagged = _tagged_answer(tail or whole)
    if tagged is not None:
        return tagged
    if start and not ends and not tail:
        return None
    boxes = _BOXED.findall(tail)
    return boxes[-1].strip() if boxes else tail


def final_text(answer: object) -> Parsed[str]:
    """The text that holds the answer, after any reasoning and out of its tag; empty, or malformed where reasoning
    never ends.

    >>> final_text("<think>B or C?</think> <answer>C</answer>")
    Parsed(value='C', status='ok')
    """
    final = "" if answer is None else final_part(str(answer))
    if final is None:
        return Parsed(None, "malformed")
    return Parsed(None, "empty") if final.lower() in BLANK else Parsed(final, "ok")


def is_refusal(text: str) -> bool:
    """Whether a text says that it gives no answer.

    >>> is_refusal("I cannot determine this."), is_refusal("I see it.")
    (True, False)
    """
    return bool(REFUSED.search(text) or UNDECIDED.search(text))


def stated_lines(text: str) -> list[str]:
    """The lines that hold something, without space at their ends."""
    return [line.strip() for line in text.splitlines() if line.strip()]
