"""What a model would answer to a probing question, from the logits of the first token of its answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.vd_ei._vectors import CATEGORIES
from recipes.answerers.yes_no_tokens import _first_token
from recipes.probe.wording import AXIS_OF, OPPOSITE

Tokens = Mapping[str, Sequence[int]]
"""Category -> ids of the tokens that an answer with its word begins with; none where the axis has no answers."""


def category_tokens(processor: Any, template: Mapping[str, Any]) -> dict[str, list[int]]:
    """The tokens with which the chat template would go on to each word, in small letters or capitalised.

    Tokens that both words of an axis begin with say nothing and are left out; so is an axis of which nothing is left.
    """
    found = {word: {_first_token(processor, spelling, template) for spelling in (word, word.capitalize())}
             for word in CATEGORIES}
    own = {word: sorted(found[word] - found[OPPOSITE[word]]) for word in CATEGORIES}
    return {word: own[word] if own[word] and own[OPPOSITE[word]] else [] for word in CATEGORIES}


def margins(
    logits: NDArray[np.float32], tokens: Sequence[int], of_category: Tokens, right: Sequence[str]
) -> NDArray[np.float32]:
    """(N,) log-odds of the right word against its opposite; NaN where the axis has no answers.

    Args:
        logits: (N, tokens).
        tokens: ids of the columns.
        right: (N,) the right word of each.

    >>> logits = np.array([[2.0, 1.0], [0.0, 4.0]])
    >>> margins(logits, [7, 9], {"left": [7], "right": [9]}, ["left", "left"]).tolist()
    [1.0, -4.0]
    """
    columns = {word: [tokens.index(number) for number in ids] for word, ids in of_category.items()}
    odds = {word: np.logaddexp.reduce(logits[:, held], axis=1) if held else np.full(len(logits), np.nan)
            for word, held in columns.items()}
    return np.array([odds[word][n] - odds[OPPOSITE[word]][n] for n, word in enumerate(right)], dtype=np.float32)


def axes_without_answers(of_category: Tokens) -> list[str]:
    """Axes whose words begin with the same tokens."""
    return sorted({AXIS_OF[word] for word in CATEGORIES if not of_category[word]})
