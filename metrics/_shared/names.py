"""Answers that name one object: alone, or in a short sentence about it."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .answers import MARKED, REFUSED, GoldError, Parsed, final_text, is_refusal
from .choices import plain_text

_MARKER = re.compile(MARKED, re.I)
_SENTENCE_END = re.compile(r"\n|[.;!?](?=\s|$)")
_MARKER_NOTE = re.compile(r"[(\[]\s*(?:the\s+)?(?:red|green|blue|yellow)\s+(?:point|dot|b?box|marker)\s*[)\]]", re.I)
_ARTICLE = re.compile(r"^(?:(?:the|a|an|this|that)\s+)+")
_IS = r"(?:is|are|was|lies|sits|stands|seems|appears|looks|would\s+be|has)"
_NEAR_FAR = r"(?:clos|near|far|distan|furth)\w*"
_SUBJECT = re.compile(rf"(?:[^,]{{1,60}},\s+)?(?P<name>.{{1,80}}?)\s+{_IS}\s(?!not\b)(?=.*\b{_NEAR_FAR}\b).*")
_PREDICATE = re.compile(
    rf"(?:it|that|(?:the\s+)?(?:[a-z-]+\s+){{0,3}}(?:object|item|one|{_NEAR_FAR})(?:\s+(?!{_IS}\b)[a-z-]+){{0,8}})\s*"
    rf"(?:\b{_IS}\b|:|'s\b)\s*(?P<name>.{{1,80}})"
)
_SEVERAL = re.compile(r",|/|&|\b(?:or|and|both|either|neither|nor)\b")
_SENTENCE_WORD = re.compile(rf"\b(?:{_IS}|it|they|equally|because|since|not|than|which|{_NEAR_FAR})\b")
_NEGATED = re.compile(r"\b(?:not|never|neither|nor)\b|n't\b")
_OR = r"(?:/|&|\bor\b|\band\b)"
_BEFORE = re.compile(  # what may stand before a name without being part of it
    r"(?:^|[^\w\s-]|\d|\b(?:the|an?|this|that|my|say|guess|choose|pick|select|think|believe|for|is|was|be|with|to|than|of"
    r"|and|or|nor|not|by|from|see|beside|near|on|at|in|first(?:ly)?|second(?:ly)?|third(?:ly)?|last(?:ly)?|then|next"
    r"|final(?:ly)?|after|before|definitely|probably|certainly|clearly|likely|so|thus|hence|therefore))\s*$"
)
_AFTER = re.compile(
    rf"\s*(?:$|[^\w\s-]|(?:{_IS}|and|or|nor|to|than|as|because|since|which|that|near|beside|from|on|at|in|by|then|before"
    r"|after|first|next|last|comes?|instead)\b)"
)
_MOST_WORDS = 6
"""Of an answer that is a name and nothing else."""
_LIST_WORDS = 4
"""Of one name in a list."""


def plain_name(text: object) -> str:
    """How names are compared: lower case, without article, marker note, or punctuation at the ends.

    >>> plain_name("The Office-Chair (red point).")
    'office chair'
    """
    plain = re.sub(r"[\s_-]+", " ", plain_text(_MARKER_NOTE.sub(" ", str(text)))).strip()
    return _ARTICLE.sub("", plain)


def mentions(text: str, names: Iterable[str]) -> list[str]:
    """The names that a text mentions, in its order: whole words, outside a longer name and in no unknown one.

    >>> mentions("first the chair, then an office lamp", ["chair", "lamp"])
    ['chair']
    """
    longest_first = sorted(filter(None, names), key=len, reverse=True)
    if not longest_first:
        return []
    found = re.finditer(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", text)
    return [
        name[0]
        for name in found
        if _BEFORE.search(text, max(0, name.start() - 40), name.start()) and _AFTER.match(text, name.end())
    ]


def _named(text: str, candidates: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(mentions(text, candidates)))


def parse_name(answer: object, candidates: Sequence[object] = ()) -> Parsed[str]:
    """Read the one name an answer commits to, as :func:`plain_name` writes it.

    Args:
        answer: the text; None is empty.
        candidates: names there are to choose from, as far as known. A name that is none of them is still read, and
            wrong; two of them are ambiguous, unless one is the subject of the sentence.

    >>> [parse_name(text).value for text in ("Office chair.", "the answer is the bed", "The bed is closer to the lamp")]
    ['office chair', 'bed', 'bed']
    >>> [parse_name(text).status for text in ("", "I cannot tell", "the bed or the lamp", "They lie far apart")]
    ['empty', 'refused', 'ambiguous', 'malformed']
    """
    known = {plain_name(name) for name in candidates} - {""}
    final = final_text(answer)
    if final.value is None:
        return Parsed(None, final.status)
    if plain_name(final.value) in known:
        return Parsed(plain_name(final.value), "ok")
    text = final.value
    marks = list(_MARKER.finditer(text))
    marked = _SENTENCE_END.split(text[marks[-1].end() :].lstrip(), maxsplit=1)[0] if marks else ""
    if REFUSED.search(marked or text):
        return Parsed(None, "refused")
    for part in filter(None, (marked, text)):
        read = _one_name(part, known)
        if read is not None:
            return read
    return Parsed(None, "refused" if is_refusal(text) else "malformed")


def _one_name(text: str, known: set[str]) -> Parsed[str] | None:
    """The name a text states; None where it has none that could be made out."""
    sentences = [plain_name(sentence) for sentence in _SENTENCE_END.split(text) if plain_name(sentence)]
    stated = {
        name
        for sentence in sentences
        if (found := _PREDICATE.fullmatch(sentence) or _SUBJECT.fullmatch(sentence))
        and ((name := plain_name(found["name"])) in known or not _SENTENCE_WORD.search(name))
    }
    if stated:
        if len(stated) > 1 or any(_SEVERAL.search(name) for name in stated - known):
            return Parsed(None, "ambiguous")
        name = stated.pop()
        among = [name] if name in known else _named(name, known) or [name]  # "definitely the bed" names the bed
        return Parsed(among[0], "ok") if len(among) == 1 else Parsed(None, "ambiguous")
    affirmed = " . ".join(sentence for sentence in sentences if not _NEGATED.search(sentence))
    listed = len(sentences) == 1 and all(len(part.split()) <= _LIST_WORDS for part in _SEVERAL.split(affirmed))
    named = _named(affirmed, known)
    if len(named) > 1 or (listed and _SEVERAL.search(affirmed)):
        return Parsed(None, "ambiguous")
    if named:
        beside = rf"{re.escape(named[0])}\s*{_OR}\s*\w|\w\s*{_OR}\s*(?:(?:the|an?)\s+)?{re.escape(named[0])}"
        return Parsed(None, "ambiguous") if re.search(beside, affirmed) else Parsed(named[0], "ok")
    if len(sentences) == 1 and len(affirmed.split()) <= _MOST_WORDS and not _SENTENCE_WORD.search(affirmed):
        return Parsed(affirmed or None, "ok" if affirmed else "malformed")
    return None


def score_names(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    candidates: Sequence[Sequence[object] | None],
) -> tuple[NDArray[np.float64], list[Parsed[str]]]:
    """1 or 0 for each of N answers, and how it was read.

    Args:
        predictions: (N,) answer texts.
        references: (N,) names.
        candidates: (N,) further names the question has, or None.

    Raises:
        GoldError: a gold without a name.

    >>> score_names(["A Bed.", "bed, lamp"], ["bed", "bed"], candidates=[None, ["lamp"]])[0]
    array([1., 0.])
    """
    for i, reference in enumerate(references):
        if reference is None or not plain_name(reference):
            raise GoldError(i, f"{reference!r}, no name")
    read = [
        parse_name(answer, [gold, *(names or [])]) for answer, gold, names in zip(predictions, references, candidates)
    ]
    hits = [item.value == plain_name(gold) for item, gold in zip(read, references)]
    return np.array(hits, dtype=np.float64), read
