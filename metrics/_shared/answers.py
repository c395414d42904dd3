"""Strict reading of a model's answer: a number or a choice letter, else a status that says why there is none.

Strict means: an answer counts only when the text commits to one value. Reasoning (``<think>...</think>``) is skipped,
an explicit final answer (``<answer>``, ``\\boxed{}``, "the answer is ...") outranks the rest, and an answer that is
empty, refused or undecided never becomes a value. A refusal outranks any value that is not marked as the answer.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Generic, Literal, NamedTuple, TypeVar

Status = Literal["ok", "empty", "refused", "unparsable", "ambiguous"]
Value = TypeVar("Value")


class Parsed(NamedTuple, Generic[Value]):
    """One answer as read; ``value`` is None unless ``status`` is ``ok``."""

    value: Value | None
    status: Status


# ---------------------------------------------------------------- the part of the text that holds the final answer

_BLANK = {"", "nan", "none", "null", "n/a"}
_CHARACTERS = str.maketrans({"\u2212": "-", "\u00b2": "^2", "\u00b3": "^3", "\u2019": "'"})
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff]|\\*\\*|__|`+")
_WIDE_SPACE = re.compile(r"[^\S\n]{2,}|[^\S\n]*\n\s*")
_LATEX_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}")
_THINK_END = re.compile(r"<\s*/\s*think(?:ing)?\s*>", re.I)
_THINK_START = re.compile(r"<\s*think(?:ing)?\s*>", re.I)
_ANSWER_START = re.compile(r"<\s*answer\b[^<>]*>", re.I)
_ANSWER_END = re.compile(r"<\s*/\s*answer\s*>", re.I)
_BOXED = re.compile(r"\\boxed\s*\{([^{}]*)\}")
_SENTENCE_END = re.compile(r"\n|[.;!?](?=\s|$)")

_REFUSED = re.compile(
    r"\b(?:can(?:no|')t|cannot|can\s+not|could(?:\s+not|n't)|unable\s+to|not\s+able\s+to|(?:im|not\s+)possible\s+to)\s+"
    r"(?:\w+\s+){0,3}?(?:determined?|tell|say|answer(?:ed)?|see|seen|identif\w+|measured?|estimated?|assess(?:ed)?|know"
    r"|known|provided?|help|assist|view|judged?|computed?|calculated?|inferr?(?:ed)?|decided?)\b"
    r"|\b(?:don't|do\s+not|doesn't)\s+know\b|\bno\s+idea\b|\bas\s+an\s+ai\b"
    r"|\b(?:insufficient|not\s+enough)\s+(?:visual\s+)?(?:information|context|data|detail)"
    r"|\b(?:is|are)\s+(?:unknown|undetermined|indeterminate)\b"
    r"|^\W*(?:unknown|undetermined|indeterminate|i'm\s+sorry|i\s+am\s+sorry|sorry)\b",
    re.I,
)
_UNDECIDED = re.compile(r"\b(?:not\s+(?:sure|certain)|unsure|uncertain|unclear)\b", re.I)


def _tagged_answer(text: str) -> str | None:
    """What the last answer tag holds, also when the opening or the closing tag is missing; None without a tag."""
    closing = list(_ANSWER_END.finditer(text))
    end = closing[-1].start() if closing else len(text)
    opening = list(_ANSWER_START.finditer(text, 0, end))
    return text[opening[-1].end() if opening else 0 : end].strip() if opening or closing else None


def _final_part(text: str) -> str | None:
    """The text after any reasoning, cut down to its answer tag or box; None when the reasoning never ends."""
    text = unicodedata.normalize("NFKC", text.translate(_CHARACTERS))
    whole = _LATEX_TEXT.sub(r"\1", _INVISIBLE.sub("", text))
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


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


# ---------------------------------------------------------------- numbers

_PLAIN_NUMBER = re.compile(r"\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
_NUMBER = re.compile(
    r"(?<![\w^])(?<!\d\.)(?P<sign>[-+]?)"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\.)\.\d+)(?!\.?\d)"
    r"(?:[eE](?P<exponent>[-+]?\d+)|\s*[x*\u00d7]\s*10\^\{?(?P<power>[-+]?\d+)\}?)?"
    r"(?P<glued>[A-Za-z_]*)",
    re.ASCII,
)
_UNIT_AFTER = re.compile(r"\s*((?:square|sq\.?)\s+[A-Za-z]+|[A-Za-z]+(?:\^?2)?(?!\w)|\u00b0)")
_NAME_BEFORE = re.compile(r"([A-Za-z_]+)-$")
_NUMBER_MARKER = re.compile(r"\banswer(?:\s+\w+){0,4}?\s*(?:\b(?:is|be)\b|[:=\u2192]|->)", re.I)
_EQUATION = re.compile(r"[\d)]\s*(?:[a-z]{1,2}\s*)?[=\u2248]", re.I)
_RANGE = re.compile(r"\s*(?:[-\u2013\u2014~,/x\u00d7]|to|and|or|by)\s*", re.I)
_HEDGE = r"(?:about|approximately|approx\.?|around|roughly|nearly|~)"
NUMBER_WORDS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
]
_NUMBER_WORD = re.compile(rf"\W*(?:{_HEDGE}\s*)?({'|'.join(NUMBER_WORDS)})\b\W*(\w*(?:\s+\w+)?)\W*", re.I)
_ONLY_HEDGE = re.compile(rf"[\W_]*(?:{_HEDGE}[\W_]*)*", re.I)

_UNIT_NAMES = {  # dimension and size in its base unit
    ("length", "1"): "m meter meters metre metres",
    ("length", "0.1"): "dm decimeter decimeters",
    ("length", "0.01"): "cm centimeter centimeters centimetre centimetres",
    ("length", "0.001"): "mm millimeter millimeters millimetre millimetres",
    ("length", "1000"): "km kilometer kilometers kilometre kilometres",
    ("length", "0.3048"): "ft foot feet",
    ("length", "0.0254"): "inch inches",
    ("area", "1"): "m2 sqm",
    ("area", "0.0001"): "cm2",
    ("angle", "1"): "deg degree degrees \u00b0",
    ("angle", "57.29577951308232"): "rad radian radians",
}
_UNITS = {name: (kind, Decimal(size)) for (kind, size), names in _UNIT_NAMES.items() for name in names.split()}


def _unit(name: str) -> tuple[str, Decimal] | None:
    name = name.lower().replace("^", "")
    if name.startswith("sq") and " " in name:
        kind, size = _UNITS.get(name.split()[-1], ("", Decimal(0)))
        return ("area", size * size) if kind == "length" else None
    return _UNITS.get(name)


class _Quantity(NamedTuple):
    value: float  # in the unit asked for, else as written
    base: tuple[str, float]  # dimension and value in its base unit; two spellings of one quantity share it
    span: tuple[int, int]


def _scaled(value: float, factor: Decimal) -> float:
    return float(Decimal(repr(value)) * factor)


def _quantities(text: str, unit: str | None) -> list[_Quantity]:
    found = []
    asked = _unit(unit) if unit else None
    for match in _NUMBER.finditer(text):
        name = _NAME_BEFORE.search(text, max(0, match.start() - 40), match.start("sign" if match["sign"] else "digits"))
        if name and _unit(name[1]) is None:
            continue  # "Frame-4" is a name
        exponent = match["exponent"] or match["power"]
        value = float(match["sign"] + match["digits"].replace(",", "") + (f"e{exponent}" if exponent else ""))
        after = _UNIT_AFTER.match(text, match.start("glued"))
        own = _unit(after[1]) if after else None
        if not isfinite(value) or (match["glued"] and own is None):
            continue  # "3D", "2nd", or beyond the range of numbers
        if own and asked and own[0] != asked[0]:
            continue  # degrees are no answer to a question about metres
        base = (own[0], round(_scaled(value, own[1]), 9)) if own else ("", value)
        if own and asked and own != asked:
            value = float(Decimal(repr(value)) * own[1] / asked[1])
            if not isfinite(value):
                continue
        found.append(_Quantity(value, base, (match.start(), after.end() if own and after else match.end())))
    for i in range(len(found) - 1, 0, -1):  # in "1.5 to 2.0 m" both numbers are measured
        one, other = found[i - 1], found[i]
        if other.base[0] and not one.base[0] and _RANGE.fullmatch(text, one.span[1], other.span[0]):
            found[i - 1] = one._replace(base=("range", one.value))
    return found


def _one_quantity(found: Sequence[_Quantity]) -> Parsed[float] | None:
    """The single quantity, the single one with a unit, else ambiguous; None when there is none."""
    if not found:
        return None
    for kept in (found, [item for item in found if item.base[0]]):
        if kept and (len({item.base for item in kept}) == 1 or len({item.value for item in kept}) == 1):
            return Parsed(kept[0].value, "ok")
    return Parsed(None, "ambiguous")


def parse_number(answer: object, unit: str | None = None) -> Parsed[float]:
    """Read the one number a model's answer commits to.

    Args:
        answer: the text (a finite int or float is taken as it is; None and NaN are empty).
        unit: unit the value is wanted in ("m", "cm", "deg", "m2", ...). A stated unit of the same dimension is then
            converted, one of another dimension is no answer. Without it numbers are taken as written.

    Several numbers are ambiguous unless one is marked as the answer, ends an equation, stands alone on the last line,
    or is the only one that carries a unit of measurement.

    >>> parse_number("About 1,200.5 cm"), parse_number("190 cm", unit="m")
    (Parsed(value=1200.5, status='ok'), Parsed(value=1.9, status='ok'))
    >>> parse_number("<think>3.0 - 1.1</think> The answer is 1.9 m.").value
    1.9
    >>> [parse_number(text).status for text in ("", "I cannot tell from 2 images", "red 1.5, blue 2.0", "far away")]
    ['empty', 'refused', 'ambiguous', 'unparsable']
    """
    if isinstance(answer, (int, float)) and not isinstance(answer, bool):
        try:
            value = float(answer)
        except OverflowError:
            return Parsed(None, "unparsable")
        return Parsed(value, "ok") if isfinite(value) else Parsed(None, "unparsable" if value == value else "empty")
    text = "" if answer is None else str(answer)
    if unit is None and _PLAIN_NUMBER.fullmatch(text):
        value = float(text)
        return Parsed(value, "ok") if isfinite(value) else Parsed(None, "unparsable")
    final = _final_part(text)
    if final is None:
        return Parsed(None, "unparsable")
    if final.lower() in _BLANK:
        return Parsed(None, "empty")
    if marks := list(_NUMBER_MARKER.finditer(final)):
        sentence = _SENTENCE_END.split(final[marks[-1].end() :].lstrip(), maxsplit=1)[0]
        if _REFUSED.search(f"{marks[-1][0]} {sentence}") or _REFUSED.search(sentence):
            return Parsed(None, "refused")
        if marked := _one_quantity(_quantities(sentence, unit)):
            return marked
    if _REFUSED.search(final):
        return Parsed(None, "refused")
    found = _quantities(final, unit)
    parsed = _one_quantity(found)
    if parsed and parsed.status == "ambiguous":
        if sums := list(_EQUATION.finditer(final)):
            right = _SENTENCE_END.split(final[sums[-1].end() :].lstrip(), maxsplit=1)[0]
            return _one_quantity(_quantities(right, unit)) or parsed
        lines = _lines(final)
        last = _quantities(lines[-1], unit)
        if len(lines) > 1 and len(last) == 1:
            low, high = last[0].span
            if _ONLY_HEDGE.fullmatch(lines[-1][:low]) and _ONLY_HEDGE.fullmatch(lines[-1][high:]):
                return Parsed(last[0].value, "ok")
    if parsed:
        return parsed
    if (word := _NUMBER_WORD.fullmatch(final)) and (not word[2] or _unit(word[2])):
        digits = f"{NUMBER_WORDS.index(word[1].lower())} {word[2]}"
        return _one_quantity(_quantities(digits, unit)) or Parsed(None, "unparsable")
    return Parsed(None, "refused" if _UNDECIDED.search(final) else "unparsable")


# ---------------------------------------------------------------- choice letters

_ARTICLE = re.compile(r"\s+(?!(?:and|or|nor|is|as|because|since|but|vs|seems|appears|looks|would)\b)[a-z]")
_NOT_BEFORE = re.compile(r"\b(?:not|isn't|never|neither|nor|except|than)\W+(?:(?:the|option|choice)\W+)*$", re.I)
_WRONG_AFTER = re.compile(r"[)\]\"'.]*\s+(?:is|are)(?:n't|\s+(?:not|wrong|incorrect|false|never))\b", re.I)
_EDGES = " \t\r\n.,:;!?\"'()[]{}*_"


class _ChoicePatterns(NamedTuple):
    alone: re.Pattern[str]
    label: re.Pattern[str]
    markers: tuple[re.Pattern[str], ...]
    another: re.Pattern[str]
    labels: re.Pattern[str]
    token: re.Pattern[str]


@lru_cache(maxsize=64)
def _choice_patterns(letters: str) -> _ChoicePatterns:
    upper, lower = f"[{letters}]", f"[{letters.lower()}]"
    capital = rf"[(\[{{\"'*\s]*({upper})(?![\w'])"
    small = rf"[(\[{{\"'*\s]*({lower})(?=[)\]}}.,;:\"'*]|\s*$)(?!\.\w)"
    noun = r"(?i:option|choice|answer|letter)"
    words = r"(?:\s+(?!(?:not|cannot|never|neither)\b)\w+){0,4}?"
    is_marker = rf"\b(?i:answer|option|choice)\b{words}\s*(?:\b(?i:is|be)\b|[:=\u2192]|->)"
    lead = rf"\s*(?:(?i:the\s+)?(?i:correct\s+)?{noun}\b\s*:?)?"
    return _ChoicePatterns(
        alone=re.compile(rf"[\W_]*(?:(?i:the\s+)?(?i:correct\s+)?{noun}[\W_]+)?({upper}|{lower})[\W_]*"),
        label=re.compile(
            rf"[\s*_>#-]*[(\[]?"
            rf"(?:({upper}|{lower})\s*[.)\]:](?=\s|$|\w\w|[*_])|({upper})(?:\s+[-\u2013\u2014]|,)\s)\s*(.*)"
        ),
        markers=(
            re.compile(is_marker + lead + capital),
            re.compile(is_marker + lead + small),
            re.compile(
                rf"\b(?i:choose|chose|choosing|pick|picked|select|selected|go\s+with)\s+(?:{noun}\s+)?{capital}"
            ),
            re.compile(
                rf"(?<![\w'])({upper})[)\]\"'*]*\s+(?i:is|seems|appears)\s+(?i:the\s+)?(?i:correct|right|best|true)\b"
            ),
        ),
        another=re.compile(rf"[)\]\"'*.\s]*(?i:\bor\b|\band\b|[/&,])\s*(?:{noun}\s+)?[(\[\"'*]*({upper})(?![\w'])"),
        labels=re.compile(rf"[(\[]({upper})[)\]]|(?<![\w'])({upper})[.):](?=\s)"),
        token=re.compile(rf"(?<![\w'])({upper})(?![\w'])"),
    )


def plain_text(text: object) -> str:
    """Lower case, single spaces, no punctuation at the ends: how option texts are compared."""
    return " ".join(unicodedata.normalize("NFKC", str(text)).lower().split()).strip(_EDGES)


def _option_texts(options: Iterable[object]) -> list[str]:
    """Comparable option texts, without the label ("A. left" is "left") where each option wears its own."""
    texts = [str(option) for option in options]
    labels = [re.match(r"\s*[(\[]?([A-Z])\s*[.):\]]\s+", text) for text in texts]
    if all(label and label[1] == chr(65 + i) for i, label in enumerate(labels)):
        texts = [text[label.end() :] for text, label in zip(texts, labels) if label]
    return [plain_text(text) for text in texts]


def _options_named(text: str, options: Sequence[str]) -> set[int]:
    """Indices of the options whose text occurs in ``text`` as whole words, outside a longer option and not negated."""
    spans = []
    for index, option in enumerate(options):
        if option:
            for match in re.finditer(rf"(?<![\w.-]){re.escape(option)}(?!\w|\.\d)", text):
                if not _NOT_BEFORE.search(text, 0, match.start()):
                    spans.append((match.start(), match.end(), index))
    return {
        index
        for low, high, index in spans
        if not any(a <= low and high <= b and b - a > high - low for a, b, _ in spans)
    }


def parse_choice(answer: object, options: Sequence[object] | None = None, letters: str = "ABCDEF") -> Parsed[str]:
    """Read the one option letter a model's answer commits to, as an upper-case letter.

    Args:
        answer: the text; None is empty.
        options: option texts in the order of their letters. They limit the letters, and an answer that repeats the
            text of one option in place of its letter is accepted.
        letters: the letters that exist where ``options`` is not given.

    >>> [parse_choice(text).value for text in ("B", "(b)", "B. left, above", "Answer: B", "The correct option is (B)")]
    ['B', 'B', 'B', 'B', 'B']
    >>> parse_choice("It is to the left.", options=["right", "left"]).value
    'B'
    >>> [parse_choice(text).status for text in ("", "I cannot determine A", "A or B", "Both")]
    ['empty', 'refused', 'ambiguous', 'unparsable']
    """
    texts = _option_texts(options) if options else []
    if texts:
        letters = "".join(chr(65 + i) for i in range(min(len(texts), 26)))
    rules = _choice_patterns(letters)
    final = "" if answer is None else _final_part(str(answer))
    if final is None:
        return Parsed(None, "unparsable")
    if alone := rules.alone.fullmatch(final):
        return Parsed(alone[1].upper(), "ok")
    plain = plain_text(final)
    if plain and texts.count(plain) == 1:
        return Parsed(letters[texts.index(plain)], "ok")
    if final.lower() in _BLANK:
        return Parsed(None, "empty")
    if marks := [mark for rule in rules.markers for mark in rule.finditer(final)]:
        mark = max(marks, key=lambda found: found.start(1))
        other = rules.another.match(final, mark.end(1))
        if other and other[1] != mark[1].upper():
            return Parsed(None, "ambiguous")
        return Parsed(mark[1].upper(), "ok")
    if _REFUSED.search(final):
        return Parsed(None, "refused")
    lines = _lines(final)
    labels = {i: label for i, line in enumerate(lines) if (label := rules.label.match(line))}
    ends = [alone[1].upper() for line in lines[:1] + lines[-1:] if (alone := rules.alone.fullmatch(line))]
    if ends:
        return Parsed(ends[0], "ok") if len(set(ends)) == 1 else Parsed(None, "ambiguous")
    if labels and len({(label[1] or label[2]).upper() for label in labels.values()}) == 1:
        label = next(iter(labels.values()))
        letter = (label[1] or label[2]).upper()
        if 0 in labels or len(lines) - 1 in labels:
            named = plain_text(label[3])
            clash = named in texts and texts[letters.index(letter)] != named
            others = {found[1] or found[2] for found in rules.labels.finditer(label[3])} - {letter}
            return Parsed(None, "ambiguous") if clash or others else Parsed(letter, "ok")
    tokens = {
        token[1]
        for token in rules.token.finditer(final)
        if not (token[1] in "AI" and _ARTICLE.match(final, token.end()))
        and not _NOT_BEFORE.search(final, max(0, token.start() - 40), token.start())
        and not _WRONG_AFTER.match(final, token.end())
    }
    named_options = _options_named(plain, texts)
    if len(tokens) == 1 and len(named_options) != 1:
        return Parsed(tokens.pop(), "ok")
    chosen = tokens | {letters[index] for index in named_options if index < len(letters)}
    if len(chosen) == 1:
        return Parsed(chosen.pop(), "ok")
    return Parsed(None, "ambiguous" if chosen else "refused" if _UNDECIDED.search(final) else "unparsable")
