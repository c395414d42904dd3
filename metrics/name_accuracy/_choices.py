"""Answers read as one option letter: alone, with its text, in a sentence, or by the text of the option."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from ._answers import BLANK, REFUSED, UNDECIDED, Parsed, final_part, stated_lines

_ARTICLE = re.compile(r"\s+(?!(?:and|or|nor|is|as|because|since|but|vs|seems|appears|looks|would)\b)[a-z]")
_NOT_BEFORE = re.compile(
    r"\b(?:not|isn't|never|neither|nor|except|(?:rather|other)\s+than)\W+(?:(?:the|option|choice)\W+)*$"
    r"|\u4e0d(?:\u662f|\u9009)\W*$",
    re.I,
)
_NAMED_BEFORE = re.compile(
    r"\b(?:point|image|view|viewpoint|figure|picture|photo|object|camera|box|frame|plan)s?\s+[(\[\"'*]*$", re.I
)
_WRONG_AFTER = re.compile(r"[)\]\"'.]*\s+(?:is|are)(?:n't|\s+(?:not|wrong|incorrect|false|never))\b", re.I)
_RECONSIDERED = re.compile(r"\b(?:wait|actually|correction|rather|instead)\b", re.I)
_BOX_TICKED = re.compile(r"[\s*+-]*\[\s*[xX\u2713\u2714]\s*\]\s*")
_BOX_EMPTY = re.compile(r"[\s*+-]*\[\s*\]")
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n")
_WORD = re.compile(r"(?!\b(?:and|or)\b)\b[A-Za-z]{2}", re.I)
_EDGES = " \t\r\n.,:;!?\"'()[]{}*_"


class _ChoicePatterns(NamedTuple):
    alone: re.Pattern[str]
    label: re.Pattern[str]
    markers: tuple[re.Pattern[str], ...]
    another: re.Pattern[str]
    retracted: re.Pattern[str]
    labels: re.Pattern[str]
    token: re.Pattern[str]


@lru_cache(maxsize=64)
def _choice_patterns(letters: str) -> _ChoicePatterns:
    upper, lower = f"[{letters}]", f"[{letters.lower()}]"
    latin = r"[^\W\u4e00-\u9fff]"  # Chinese is written without spaces
    ends = rf"(?!{latin}|'{latin}|-[a-z])"
    capital = rf"[(\[{{\"'*\s]*({upper}){ends}"
    small = rf"[(\[{{\"'*\s]*({lower})(?=[)\]}}.,;:\"'*]|\s*$)(?!\.\w)"
    noun = r"(?i:option|choice|answer|letter)"
    words = r"(?:\s+(?!(?:not|cannot|never|neither)\b)\w+){0,4}?"
    is_marker = rf"\b(?i:answer|option|choice|best\s+guess)\b{words}[\"']?\s*(?:\b(?i:is|be)\b|[:=\u2192]|->)"
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
                rf"(?<![\w'])({upper})[)\]\"'*]*\s+(?i:is|seems|appears)\s+(?i:the\s+)?(?i:correct|best|true)\b"
            ),
            re.compile(rf"\b(?i:so|therefore|thus|hence)\s*[:,]\s*{capital}(?=[)\]\"'*.\s]*$)"),
            re.compile(
                r"(?:\u7b54\u6848|(?<!\u4e0d)\u9009\u62e9?(?!\u9879))\s*"  # "answer", or "choose" without "not"
                rf"(?:\u662f|\u4e3a|:)*\s*(?:\u9009\u9879)?{capital}"
            ),
            re.compile(rf"\u9009\u9879{capital}\s*\u662f?(?:\u6b63\u786e|\u5bf9)"),  # "option B is correct"
        ),
        another=re.compile(
            rf"[)\]\"'*.\s]*(?i:(?:,\s*)?\bor\b|\band\b|[/&,\u3001\u6216\u548c]|\u8fd8\u662f)\s*"
            rf"(?:{noun}\s+)?[(\[\"'*]*({upper}){ends}"
        ),
        retracted=re.compile(
            rf"(?i:\b(?:wait|actually|correction)\b[^\n]{{0,60}}?\W"
            rf"|\b(?:possibly|perhaps|maybe|alternatively|however|instead|rather|no(?=\s*[,.;:])"
            rf"|(?:could|might|may)\s+(?:also\s+)?be)\b[\s,:;.]*(?:(?:it|the|correct|is|should\s+be|{noun})\W+){{0,5}})"
            rf"[(\[\"'*]*({upper}){ends}"
        ),
        labels=re.compile(rf"[(\[]({upper})[)\]]|(?<![\w'])({upper})[.):](?=\s)"),
        token=re.compile(rf"(?<!{latin})(?<!')({upper}){ends}"),
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
    spans = [
        [
            match.span()
            for match in re.finditer(rf"(?<![\w.-]){re.escape(option)}(?!\w|\.\d)", text)
            if option and not _NOT_BEFORE.search(text, max(0, match.start() - 60), match.start())
        ]
        for option in options
    ]
    named = set()
    for index, option in enumerate(options):
        longer = [spans[other] for other, name in enumerate(options) if len(name) > len(option)]
        if any(not any(_inside(span, others) for others in longer) for span in spans[index]):
            named.add(index)
    return named


def _inside(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    """Whether a span lies within one of these, which are in order and apart."""
    before = bisect_right(others, span[0], key=lambda other: other[0])
    return before > 0 and span[1] <= others[before - 1][1]


def _ticked(text: str) -> str:
    """Of a list with boxes to tick, the lines that are ticked, without their boxes."""
    lines = text.splitlines()
    if not any(map(_BOX_TICKED.match, lines)):
        return text
    return "\n".join(_BOX_TICKED.sub("", line, count=1) for line in lines if not _BOX_EMPTY.match(line))


def _may_be_choice(text: str, span: tuple[int, int]) -> bool:
    """Whether the capital letter there may stand for an option: no article, not negated, not the name of a thing."""
    low, high = span
    return not (
        (text[low] in "AI" and _ARTICLE.match(text, high))
        or _NOT_BEFORE.search(text, max(0, low - 40), low)
        or _NAMED_BEFORE.search(text, max(0, low - 40), low)
        or _WRONG_AFTER.match(text, high)
    )


def _committed(letter: str, text: str, end: int, rules: _ChoicePatterns) -> Parsed[str]:
    """The letter, unless the text from ``end`` on takes it back for another: "B. Wait, actually C"."""
    for change in rules.retracted.finditer(text, end):
        if change[1] != letter and _may_be_choice(text, change.span(1)):
            return Parsed(None, "ambiguous")
    return Parsed(letter, "ok")


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
    ['empty', 'refused', 'ambiguous', 'malformed']
    """
    texts = [] if options is None else _option_texts(options)
    if texts:
        letters = "".join(chr(65 + i) for i in range(min(len(texts), 26)))
    rules = _choice_patterns(letters)
    final = "" if answer is None else final_part(str(answer))
    if final is None:
        return Parsed(None, "malformed")
    final = _ticked(final)
    if alone := rules.alone.fullmatch(final):
        return Parsed(alone[1].upper(), "ok")
    plain = plain_text(final)
    if plain and texts.count(plain) == 1:
        return Parsed(letters[texts.index(plain)], "ok")
    if final.lower() in BLANK:
        return Parsed(None, "empty")
    if marks := [mark for rule in rules.markers for mark in rule.finditer(final)]:
        mark = max(marks, key=lambda found: found.start(1))
        other = rules.another.match(final, mark.end(1))
        if other and other[1] != mark[1].upper():
            return Parsed(None, "ambiguous")
        return _committed(mark[1].upper(), final, mark.end(1), rules)
    if REFUSED.search(final):
        return Parsed(None, "refused")
    lines = stated_lines(final)
    labels = {i: label for i, line in enumerate(lines) if (label := rules.label.match(line))}
    ends = [alone[1].upper() for line in lines[:1] + lines[-1:] if (alone := rules.alone.fullmatch(line))]
    if ends:
        end = len(lines[0]) if rules.alone.fullmatch(lines[0]) else len(final)
        return _committed(ends[0], final, end, rules) if len(set(ends)) == 1 else Parsed(None, "ambiguous")
    if labels and len({(label[1] or label[2]).upper() for label in labels.values()}) == 1:
        label = next(iter(labels.values()))
        letter = (label[1] or label[2]).upper()
        if 0 in labels or len(lines) - 1 in labels:
            named = plain_text(label[3])
            clash = named in texts and texts[letters.index(letter)] != named
            others = {found[1] or found[2] for found in rules.labels.finditer(label[3])}
            if _RECONSIDERED.search(label[3]) or not _WORD.search(label[3]):  # "B. No wait, C", or "B, C"
                others |= set(rules.token.findall(label[3]))
            others.discard(letter)
            end = final.find(label.string) + label.start(3)
            return Parsed(None, "ambiguous") if clash or others else _committed(letter, final, end, rules)
    last = rules.alone.fullmatch(_SENTENCES.split(final)[-1])
    if last and not labels and _WORD.search(final):
        return Parsed(last[1].upper(), "ok")
    tokens = {token[1] for token in rules.token.finditer(final) if _may_be_choice(final, token.span(1))}
    named_options = _options_named(plain, texts)
    if len(tokens) == 1 and len(named_options) != 1:
        return Parsed(tokens.pop(), "ok")
    chosen = tokens | {letters[index] for index in named_options if index < len(letters)}
    if len(chosen) == 1:
        return Parsed(chosen.pop(), "ok")
    return Parsed(None, "ambiguous" if chosen else "refused" if UNDECIDED.search(final) else "malformed")
