"""Free answers of a few words, compared with one or several right ones: exactly, or by one being part of the other."""

import re
from collections.abc import Iterable

from ._answers import Parsed, final_part, plain_characters

_NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty")
_EDGES = "\"'.,;:!?()[]*`\u2018\u201c\u201d"
_DIGITS = re.compile("1?[0-9]|20")


def plain_phrase(text: object) -> str:
    """How free answers are compared: lower case, numbers up to twenty as words, no punctuation but inside words, one
    space between words. Answers and right answers alike: a curly apostrophe is a straight one in both.

    >>> plain_phrase(" 2 brown  chairs, by the TV-stand. ")
    'two brown chairs by the tv-stand'
    """
    words = (word.strip(_EDGES) for word in plain_characters(str(text)).lower().split())
    return " ".join(_NUMBER_WORDS[int(word)] if _DIGITS.fullmatch(word) else word for word in words if word)


def parse_phrase(answer: object) -> Parsed[str]:
    """The text that holds the answer, after any reasoning and out of its tag. Every text is an answer: "none" and
    "unknown" are right ones of some questions.

    >>> parse_phrase("<think>brown?</think> Dark brown.").value
    'Dark brown.'
    >>> [parse_phrase(text).status for text in (None, " ? ", "<think>it is")]
    ['empty', 'empty', 'malformed']
    """
    final = final_part("" if answer is None else str(answer))
    if final is None:
        return Parsed(None, "malformed")
    return Parsed(final, "ok") if plain_phrase(final) else Parsed(None, "empty")


def is_exact(answer: object, golds: Iterable[object]) -> bool:
    """Whether an answer is one of the right ones.

    >>> is_exact("2 chairs.", ["Two chairs", "chairs"])
    True
    """
    return plain_phrase(answer) in {plain_phrase(gold) for gold in golds}


def is_refined(answer: object, golds: Iterable[object]) -> bool:
    """Whether one of the right answers is part of an answer, or it of one of them, both without spaces; an empty answer
    is part of none.

    >>> is_refined("on the left side", ["left side", "left"]), is_refined("", ["left"])
    (True, False)
    """
    said = plain_phrase(answer).replace(" ", "")
    right = [plain_phrase(gold).replace(" ", "") for gold in golds]
    return bool(said) and any(gold in said or said in gold for gold in right if gold)
