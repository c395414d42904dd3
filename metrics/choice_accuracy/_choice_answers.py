"""Answers that are one option letter, or yes or no: how each evaluator reads them, and whether they hit.

``spar`` is the evaluator of the SPAR repository, which lmms-eval took over; ``vlmevalkit`` is the rule-based mode of
VLMEvalKit (its spatial benchmarks), which searches a text for a letter A to F in several passes.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._answers import VLMEVALKIT_INVISIBLE, VLMEVALKIT_THINK_MARKS, Compat, GoldError, Parsed, Status
from ._choices import parse_choice, plain_text
from ._yes_no import gold_yes_no, parse_yes_no

_LETTER = re.compile(r"\s*[(\[]?\s*([A-Za-z])\s*[)\]]?\s*\.?\s*")
_TAGGED = re.compile(r"<\s*answer\b[^>]*>\s*([A-J]).*?<\s*/\s*answer\s*>", re.IGNORECASE | re.DOTALL)
_BEFORE_TAG = tuple(
    re.compile(
        r"(?<![A-Za-z])[(\[{\uff08\u3010]?\s*([A-F])\s*[)\]}\uff09\u3011]?\s*" rf"<\s*/\s*{tag}\s*>", re.IGNORECASE
    )
    for tag in ("answer", "think")
)

_DECORATION = r"*_`\uff08\uff09\[\]\u3010\u3011()"
_OPTION_LINE = re.compile(r"^[*_>\-\s]*(?:option|\u9009\u9879)\s+[A-J]\s*[:\uff1a]", re.IGNORECASE)
_LETTER_LINE = re.compile(rf"[>{_DECORATION}]*\s*([A-Fa-f])\s*[{_DECORATION}]*")
_LABELLED_LINE = re.compile(r"([A-F])\s*[.\uff0e:\uff1a)\]\u3011\u3001-]\s+", re.IGNORECASE)
_STOPS = r".,:;!?)\]\u3011\u300b\u300d\u300f\uff0c\u3002\uff1b\u3001\uff1a\uff09"
_LETTER_IN_LINE = re.compile(rf"(?<![A-Za-z])([A-F])(?=(?:\s*[*_`\uff09\]}})]*)(?:$|[\s{_STOPS}]))")
_PHRASE = re.compile(
    r"(?:final\s*answer|the\s*answer\s*is|answer(?:\s*is)?|correct\s*answer|\u7b54\u6848|\u6700\u7ec8\u7b54\u6848|"
    r"\u7ed3\u8bba|\u6240\u4ee5|\u56e0\u6b64|\u6211\u9009(?:\u62e9)?|\u9009\u62e9|\u9009)"
    r"\s*[:\uff1a>\uff1d=]?\s*[(\[{\uff08\u3010]?\s*([A-F])\s*[)\]}\uff09\u3011]?(?:\b|[.)\u3001\u3002])",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"(?<![A-Za-z])([A-F])(?![A-Za-z])")

_TAIL_LINES = 6
_TAIL_CHARACTERS = 800


def spar_hit(answer: str, reference: str) -> bool:
    """Equal, or contained in the reference, or starting with it; lower-cased, not stripped.

    An empty answer is contained in everything and therefore right.

    >>> spar_hit("", "B"), spar_hit("Both", "B"), spar_hit("The answer is B", "B")
    (True, True, False)
    """
    answer, reference = answer.lower(), reference.lower()
    return answer in reference or answer[0] == reference


def _letter_from_last_lines(text: str) -> str | None:
    for line in reversed([line.strip() for line in text.splitlines()[-_TAIL_LINES:]]):
        if not line or _OPTION_LINE.search(line):
            continue
        if found := _LETTER_LINE.fullmatch(line) or _LABELLED_LINE.match(line):
            return found[1].upper()
        letters = set(_LETTER_IN_LINE.findall(line))
        if len(letters) == 1:
            return letters.pop()
    return None


def vlmevalkit_letter(answer: str) -> str | None:
    """The letter A to F (J inside an answer tag) that the rule-based matcher finds, or None.

    >>> [vlmevalkit_letter(text) for text in ("<think>A or B?</think> (B)", "the answer is b then", "")]
    ['B', 'B', None]
    """
    text = VLMEVALKIT_INVISIBLE.sub("", answer.strip())
    tail = text[-_TAIL_CHARACTERS:]
    if found := _TAGGED.search(text) or _BEFORE_TAG[0].search(tail) or _BEFORE_TAG[1].search(tail):
        return found[1].upper()
    after_reasoning = text
    for mark in VLMEVALKIT_THINK_MARKS:
        if places := list(mark.finditer(text)):
            after_reasoning = text[places[-1].end() :].strip()
            break
    if letter := _letter_from_last_lines(after_reasoning) or _letter_from_last_lines(tail):
        return letter
    if found := _PHRASE.search(text):
        return found[1].upper()
    rest = "\n".join(line for line in text.splitlines() if not _OPTION_LINE.search(line))
    letters = set(_CAPITAL.findall(rest))
    return letters.pop() if len(letters) == 1 else None


def vlmevalkit_hit(answer: str, reference: str) -> bool:
    """Both sides go through the matcher; two sides without a letter count as equal."""
    return vlmevalkit_letter(answer) == vlmevalkit_letter(reference.strip())


def gold_letter(reference: object, options: Sequence[object] | None = None) -> str:
    """The gold as an upper-case letter; "b", "(B)" and, with ``options``, the text of an option are accepted.

    Raises:
        ValueError: neither a letter nor the text of exactly one option, or a letter beyond the options.

    >>> gold_letter("(B)"), gold_letter("left", options=["right", "left"])
    ('B', 'B')
    """
    letter = _LETTER.fullmatch(str(reference))
    texts = [] if options is None else list(options)
    if letter and (not texts or ord(letter[1].upper()) - 65 < len(texts)):
        return letter[1].upper()
    same = [i for i, text in enumerate(texts) if plain_text(text) == plain_text(reference)]
    if len(same) != 1:
        raise ValueError(f"reference {reference!r} is neither an option letter nor the text of one of {texts}")
    return chr(65 + same[0])


def _read(answer: object, options: Sequence[object] | None, letters: str, compat: Compat) -> Parsed[str]:
    if answer is None:
        return Parsed(None, "empty")
    if compat is None:
        return parse_choice(answer, options, letters)
    text = str(answer)
    value = vlmevalkit_letter(text) if compat == "vlmevalkit" else text
    blank: Status = "empty" if not text.strip() else "ok" if value is not None else "malformed"
    return Parsed(value if blank == "ok" else None, blank)


def score_choices(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    options: Sequence[Sequence[object] | None],
    compat: Compat = None,
) -> tuple[NDArray[np.float64], list[Parsed[str]]]:
    """1 or 0 for each of N answers, and how it was read.

    Args:
        predictions: (N,) answer texts.
        references: (N,) gold letters, or texts of an option; Yes or No where an item has no options.
        options: (N,) option texts of each item in letter order, or None.
        compat: None, or the released evaluator whose scores to give.

    Raises:
        GoldError: a gold that is neither a letter nor an option nor, without options, Yes or No.

    >>> score_choices(["The answer is (B)", "A or B"], ["B", "B"], options=[None, None])[0]
    array([1., 0.])
    """
    if compat is not None:
        golds = [str(reference) for reference in references]
        read = [_read(answer, None, "", compat) for answer in predictions]
        hit = vlmevalkit_hit if compat == "vlmevalkit" else spar_hit
        hits = [answer is not None and hit(str(answer), gold) for answer, gold in zip(predictions, golds)]
        return np.array(hits, dtype=np.float64), read
    golds = []
    for i, (reference, texts) in enumerate(zip(references, options)):
        if (texts is None or not len(texts)) and (said := gold_yes_no(reference)):
            golds.append(said)
            continue
        try:
            golds.append(gold_letter(reference, texts))
        except ValueError:
            problem = (
                f"{reference!r}, neither an option letter nor the text of one of {[] if texts is None else list(texts)}"
            )
            raise GoldError(i, problem) from None
    last = max(["F", *(gold for gold in golds if len(gold) == 1)])
    letters = "".join(map(chr, range(65, ord(last) + 1)))
    read = [
        parse_yes_no(answer) if len(gold) > 1 else _read(answer, texts, letters, compat)
        for answer, gold, texts in zip(predictions, golds, options)
    ]
    return np.array([item.value == gold for item, gold in zip(read, golds)], dtype=np.float64), read
