"""Which tokens of a conversation are answers: the only ones that count in the loss.

Chat templates seldom say what the assistant's part is. So the text before each answer (with the start that the template
gives an answer) is made into tokens, too: where they end, the answer begins. It ends with the token that ends a turn.
Processors then put many tokens in the place of each picture; the tokens of the text are found again among those.
"""

from collections.abc import Collection, Sequence

from builders.errors import InputError

Span = tuple[int, int]
"""First token, and the one behind the last."""


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two beginnings share.

    Example:
        >>> common([1, 2, 3], [1, 2, 4, 5])
        2
    """
    limit = min(len(first), len(second))
    return next((i for i in range(limit) if first[i] != second[i]), limit)


def answer_span(tokens: Sequence[int], start: int, end: int, stops: Collection[int]) -> Span:
    """The answer within a turn: up to and with the first token that ends a turn, where there is one.

    Example:
        >>> answer_span([5, 6, 7, 2, 9], 2, 5, {2})
        (2, 4)
    """
    return start, next((i + 1 for i in range(start, end) if tokens[i] in stops), end)


def places_of(text: Sequence[int], expanded: Sequence[int]) -> list[int]:
    """Where each token of the text is among those with pictures put in; found from the end, where answers are.

    Raises:
        InputError: the processor changed more than the places of pictures.

    Example:
        >>> places_of([1, 9, 3, 4], [1, 9, 9, 9, 3, 4])
        [0, 3, 4, 5]
    """
    places: list[int] = []
    place = len(expanded)
    for token in reversed(text):
        place -= 1
        while place >= 0 and expanded[place] != token:
            place -= 1
        if place < 0:
            raise InputError("the processor changes the text around pictures, so answers cannot be told from questions")
        places.append(place)
    return places[::-1]
