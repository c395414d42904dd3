"""Answers read as one number: signs, thousands separators, exponents, units, and words up to twenty."""

import re
from collections.abc import Sequence
from decimal import Decimal
from math import isfinite
from typing import NamedTuple

from ._answers import BLANK, MARKED, REFUSED, UNDECIDED, Parsed, final_part, stated_lines

_SENTENCE_END = re.compile(r"\n|[.;!?](?=\s|$)")
_PLAIN_NUMBER = re.compile(r"\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
_NUMBER = re.compile(
    r"(?<![\w^])(?<!\d\.)(?P<sign>[-+]?)"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\.)\.\d+)(?!\.?\d)"
    r"(?:[eE](?P<exponent>[-+]?\d+)|\s*[x*\u00d7]\s*10\^\{?(?P<power>[-+]?\d+)\}?)?"
    r"(?!\^)(?P<glued>[A-Za-z_]*)",
    re.ASCII,
)
_UNIT_AFTER = re.compile(
    r"\s*((?:square|sq\.?)\s+[A-Za-z]+|[A-Za-z]+(?:\^?2)?(?!\w)|\u00b0"
    r"|[\u5398\u6beb\u5343]?\u7c73|\u516c\u91cc|\u82f1\u5c3a|\u5ea6)",  # Chinese units
    re.ASCII,
)
_NAME_BEFORE = re.compile(r"([A-Za-z_]+)-$")
_THING = r"(?:image|object|frame|view|viewpoint|point|camera|box|figure|picture|photo)"
THING_BEFORE = re.compile(rf"\b{_THING}s?\s+(?:\d+\s*(?:,|&|and\b)\s*)?(?:#|no\.\s*|number\s+)?$", re.I | re.ASCII)
_BOUND_BEFORE = re.compile(
    r"(?:\bat\s+(?:least|most)|\b(?:more|less|greater|fewer|larger|smaller|farther|longer|shorter)\s+than|\bup\s+to"
    r"|\b(?:over|under|above|below)|(?<![^\s(:])[<>\u2264\u2265]=?)\s*(?:about\s+|around\s+)?$",
    re.I,
)
_OTHER_MEASURE = re.compile(
    r"\s*(?:%|(?:percent|pixels?|px|steps?|seconds?|minutes?|hours?|kg|times|hundred|thousand|million"
    rf"|{_THING}(?:e?s)?|people)\b)",
    re.I,
)
_NUMBER_MARKER = re.compile(MARKED, re.I)
_EQUATION = re.compile(r"[\d)]\s*(?:[a-z]{1,2}\s*)?[=\u2248]", re.I)
_RANGE = re.compile(r"\s*(?:[-\u2013\u2014~,/x\u00d7]|to|and|or|by)\s*", re.I)
_HEDGE = r"(?:about|approximately|approx\.?|around|roughly|nearly|~)"
NUMBER_WORDS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
]
_WORD_ALONE = re.compile(
    rf"\W*(?:(?:it|that|this|the\s+\w+)\s+(?:is|are)\s+|(?P<there>there\s+(?:is|are)\s+))?(?:{_HEDGE}\s*)?"
    rf"(?P<minus>(?:minus|negative)\s+)?(?P<word>{'|'.join(NUMBER_WORDS)})\b(?!-)\W*(?P<unit>\w*(?:\s+\w+)?)\W*",
    re.I,
)
_WORD_RANGE = re.compile(
    rf"\b(?:{'|'.join(NUMBER_WORDS)})\s*(?:to|or|and|(?<!twenty)-)\s*(?:{'|'.join(NUMBER_WORDS)})\b(?!-)", re.I
)
_WORD_AND_UNIT = re.compile(
    rf"\b(?<!-)(?P<minus>(?:minus|negative)\s+)?(?P<word>{'|'.join(NUMBER_WORDS)})\s+"
    r"(?P<unit>(?:square\s+|sq\.?\s+)?[A-Za-z]+)",
    re.I,
)
_TOLERANCE = re.compile(r"\s*(?:\+/-|\+-|\u00b1)\s*\d+(?:\.\d+)?", re.ASCII)
_CONVERTED = re.compile(rf"\s*[,(/=\u2248]?\s*(?:(?:{_HEDGE}|or|i\.e\.,?)\s*){{0,2}}", re.I)
_DIGIT_WORDS = "|".join(NUMBER_WORDS[:10])
_TENS_WORDS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_TENS = {word: 10 * i for i, word in enumerate(_TENS_WORDS, 2)}
_TENS_WORD = re.compile(rf"\b({'|'.join(_TENS)})(?:[- ]({'|'.join(NUMBER_WORDS[1:10])}))?\b", re.I)
_POINT_WORDS = re.compile(rf"\b({'|'.join(NUMBER_WORDS)}|\d+)\s+point((?:\s+(?:{_DIGIT_WORDS}|\d+)\b)+)", re.I)
_AND_A_HALF = re.compile(rf"\b({'|'.join(NUMBER_WORDS)}|\d+)\s+and\s+a\s+half\b", re.I)
_HALF = re.compile(r"\b(?:a\s+)?half\s+(?:of\s+)?(?:an?\s+)?(?=(?:met|cent|mil|kil|f[oe]{2}t|inch|yard|deg))", re.I)
_LARGE_WORD = re.compile(r"\b(?:hundred|thousand|million|dozen)s?\b", re.I)
_MIXED_RANGE = re.compile(
    rf"\d\s*(?:to|or)\s+(?:{'|'.join(NUMBER_WORDS)})\b|\b(?:{'|'.join(NUMBER_WORDS)})\s+(?:to|or)\s+\d", re.I
)
_MINUS = re.compile(r"(?<![\d)]\s)\b(?:minus|negative)\s+(?=\.?\d)", re.I)
_DASH_SIGN = re.compile(r"(?:^|(?<=[:=])|(?<=[:=]\s)|(?<=\sis\s))[\u2013\u2014]\s?(?=\.?\d)")
_FEET_INCHES = re.compile(
    r"(?<![\d.])(\d{1,9})\s*(?:ft\.?|feet|foot|')\s*(?:and\s+|,\s*)?"
    r"(\d{1,9}(?:\.\d{1,9})?)\s*(?:inch(?:es)?\b|in\b\.?|\")",
    re.I | re.ASCII,
)
_CONFIDENCE = re.compile(r"\bconfidence\b\W{0,5}(?:is\s+)?\d+(?:\.\d+)?\s*%?", re.I)
_ONLY_HEDGE = re.compile(rf"[\W_]*(?:{_HEDGE}[\W_]*)*", re.I)

_UNIT_NAMES = {  # dimension and size in its base unit
    ("length", "1"): "m meter meters metre metres \u7c73",
    ("length", "0.1"): "dm decimeter decimeters",
    ("length", "0.01"): "cm centimeter centimeters centimetre centimetres \u5398\u7c73",
    ("length", "0.001"): "mm millimeter millimeters millimetre millimetres \u6beb\u7c73",
    ("length", "1000"): "km kilometer kilometers kilometre kilometres \u5343\u7c73 \u516c\u91cc",
    ("length", "0.3048"): "ft foot feet \u82f1\u5c3a",
    ("length", "0.0254"): "inch inches",
    ("length", "0.9144"): "yd yard yards",
    ("length", "1609.344"): "mi mile miles",
    ("area", "1"): "m2 sqm",
    ("area", "0.0001"): "cm2",
    ("angle", "1"): "deg degree degrees \u00b0 \u5ea6",
    ("angle", "57.29577951308232"): "rad radian radians",
}
_UNITS = {name: (kind, Decimal(size)) for (kind, size), names in _UNIT_NAMES.items() for name in names.split()}


def unit_of(name: str) -> tuple[str, Decimal] | None:
    name = name.lower().replace("^", "")
    if name.startswith("sq") and " " in name:
        kind, size = _UNITS.get(name.split()[-1], ("", Decimal(0)))
        return ("area", size * size) if kind == "length" else None
    return _UNITS.get(name)


def _word_value(word: str) -> str:
    return word if word.isdigit() else str(NUMBER_WORDS.index(word.lower()))


def _point_words(match: re.Match[str]) -> str:
    return f"{_word_value(match[1])}.{''.join(map(_word_value, match[2].split()))}"


def _tens_words(match: re.Match[str]) -> str:
    one = NUMBER_WORDS.index(match[2].lower()) if match[2] else 0
    return match[0] if match[1].lower() == "twenty" and not one else str(_TENS[match[1].lower()] + one)


def _in_digits(text: str, unit: str | None) -> str:
    """The text with its compound numbers ("two point five", "5 ft 3 in") and signs in digits."""
    text = _TENS_WORD.sub(_tens_words, text)
    text = _POINT_WORDS.sub(_point_words, text)
    text = _AND_A_HALF.sub(lambda match: f"{_word_value(match[1])}.5", text)
    text = _DASH_SIGN.sub("-", _MINUS.sub("-", _HALF.sub("0.5 ", text)))
    if unit and unit_of(unit)[0] == "length":  # type: ignore[index]
        text = _FEET_INCHES.sub(lambda match: f"{12 * int(match[1]) + Decimal(match[2])} inches", text)
    return _CONFIDENCE.sub("", text)


class _Quantity(NamedTuple):
    value: float  # in the unit asked for, else as written
    base: tuple[str, float]  # dimension and value in its base unit; two spellings of one quantity share it
    span: tuple[int, int]


def _scaled(value: float, factor: Decimal) -> float:
    return float(Decimal(repr(value)) * factor)


def _quantities(text: str, unit: str | None) -> list[_Quantity]:
    found = []
    asked = unit_of(unit) if unit else None
    for match in _NUMBER.finditer(text):
        name = _NAME_BEFORE.search(text, max(0, match.start() - 40), match.start("sign" if match["sign"] else "digits"))
        if name and unit_of(name[1]) is None:
            continue  # "Frame-4" is a name
        exponent = match["exponent"] or match["power"]
        value = float(match["sign"] + match["digits"].replace(",", "") + (f"e{exponent}" if exponent else ""))
        after = _UNIT_AFTER.match(text, match.start("glued"))
        own = unit_of(after[1]) if after else None
        if not isfinite(value) or (match["glued"] and own is None):
            continue  # "3D", "2nd", or beyond the range of numbers
        before = max(0, match.start() - 40), match.start()
        if own and asked and own[0] != asked[0]:
            continue  # degrees are no answer to a question about metres
        if not own and "." not in match["digits"] and THING_BEFORE.search(text, *before):
            continue  # "image 1"
        if _BOUND_BEFORE.search(text, *before):
            continue  # "at least 5 m" commits to nothing
        if asked and not own and _OTHER_MEASURE.match(text, match.end()):
            continue  # "50 %"
        if asked and not own and text.startswith('"', match.end()) and '"' not in text[: match.start()]:
            continue  # inches, or a stray quotation mark
        base = (own[0], round(_scaled(value, own[1]), 9)) if own else ("", value)
        if own and asked and own != asked:
            value = float(Decimal(repr(value)) * own[1] / asked[1])
            if not isfinite(value):
                continue
        found.append(_Quantity(value, base, (match.start(), after.end() if own and after else match.end())))
    for i in range(len(found) - 1, 0, -1):  # "1.9 m (about 6.2 feet)" is one quantity, rounded twice
        one, other = found[i - 1], found[i]
        same = one.base[0] == other.base[0] != "" and abs(one.base[1] - other.base[1]) <= 0.02 * abs(one.base[1])
        names = (re.sub(r"[^A-Za-z]", "", text[low:high]) for low, high in (one.span, other.span))
        if same and len(set(names)) == 2 and _CONVERTED.fullmatch(text, one.span[1], other.span[0]):
            del found[i]
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


def _one_number_word(text: str, unit: str | None, *, count: bool) -> Parsed[float] | None:
    """What a text without digits spells out, zero to twenty: alone, or before a unit. ``count`` allows any noun."""
    if _LARGE_WORD.search(text):
        return None
    if _WORD_RANGE.search(text):
        return Parsed(None, "ambiguous")
    alone = _WORD_ALONE.fullmatch(text)
    found = [alone] if alone and (count or alone["there"] or not alone["unit"] or unit_of(alone["unit"])) else []
    found = found or [
        match
        for match in _WORD_AND_UNIT.finditer(text)
        if unit_of(match["unit"]) and not _BOUND_BEFORE.search(text, max(0, match.start() - 40), match.start())
    ]
    spelt = (
        f"{'-' if match['minus'] else ''}{NUMBER_WORDS.index(match['word'].lower())}"
        f" {match['unit'] if unit_of(match['unit']) else ''}"
        for match in found
    )
    return _one_quantity([quantity for words in spelt for quantity in _quantities(words, unit)])


def parse_number(answer: object, unit: str | None = None) -> Parsed[float]:
    """Read the one number a model's answer commits to.

    Args:
        answer: the text (a finite int or float is taken as it is; None and NaN are empty).
        unit: unit the value is wanted in ("m", "cm", "deg", "m2", ...). A stated unit of the same dimension is then
            converted, one of another dimension is no answer. Without it numbers are taken as written.

    Several numbers are ambiguous unless one is marked as the answer, ends an equation, stands alone on the last line,
    or is the only one that carries a unit of measurement. The number of a thing ("image 1") is none, and a bound ("at
    least 5 m") commits to none; with ``unit``, nor does a number of something else ("120 pixels").

    Raises:
        ValueError: a ``unit`` that is not known.

    >>> parse_number("About 1,200.5 cm"), parse_number("190 cm", unit="m")
    (Parsed(value=1200.5, status='ok'), Parsed(value=1.9, status='ok'))
    >>> parse_number("<think>3.0 - 1.1</think> The answer is 1.9 m.").value
    1.9
    >>> [parse_number(text).status for text in ("", "I cannot tell from 2 images", "red 1.5, blue 2.0", "far away")]
    ['empty', 'refused', 'ambiguous', 'malformed']
    """
    if unit and unit_of(unit) is None:
        raise ValueError(f"unit: expected one of {', '.join(_UNITS)}, got {unit!r}")
    if isinstance(answer, (int, float)) and not isinstance(answer, bool):
        try:
            value = float(answer)
        except OverflowError:
            return Parsed(None, "malformed")
        return Parsed(value, "ok") if isfinite(value) else Parsed(None, "malformed" if value == value else "empty")
    text = "" if answer is None else str(answer)
    if unit is None and _PLAIN_NUMBER.fullmatch(text):
        value = float(text)
        return Parsed(value, "ok") if isfinite(value) else Parsed(None, "malformed")
    final = final_part(text)
    if final is None:
        return Parsed(None, "malformed")
    if final.lower() in BLANK:
        return Parsed(None, "empty")
    final = _in_digits(_TOLERANCE.sub("", final), unit)
    if _MIXED_RANGE.search(final):
        return Parsed(None, "ambiguous")
    if marks := list(_NUMBER_MARKER.finditer(final)):
        sentence = _SENTENCE_END.split(final[marks[-1].end() :].lstrip(), maxsplit=1)[0]
        if REFUSED.search(f"{marks[-1][0]} {sentence}") or REFUSED.search(sentence):
            return Parsed(None, "refused")
        marked = _one_quantity(_quantities(sentence, unit)) or _one_number_word(sentence, unit, count=True)
        if marked:
            return marked
    if REFUSED.search(final):
        return Parsed(None, "refused")
    found = _quantities(final, unit)
    parsed = _one_quantity(found)
    if parsed and parsed.status == "ambiguous":
        if sums := list(_EQUATION.finditer(final)):
            right = _SENTENCE_END.split(final[sums[-1].end() :].lstrip(), maxsplit=1)[0]
            return _one_quantity(_quantities(right, unit)) or parsed
        lines = stated_lines(final)
        last = _quantities(lines[-1], unit)
        if len(lines) > 1 and len(last) == 1:
            low, high = last[0].span
            if _ONLY_HEDGE.fullmatch(lines[-1][:low]) and _ONLY_HEDGE.fullmatch(lines[-1][high:]):
                return Parsed(last[0].value, "ok")
    if parsed:
        return parsed
    if spelt := _one_number_word(final, unit, count=False):
        return spelt
    return Parsed(None, "refused" if UNDECIDED.search(final) else "malformed")
