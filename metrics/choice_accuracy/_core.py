"""Accuracy of multiple-choice answers: an answer is right when it commits to the gold letter and to no other."""

import re
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np

from ._answers import Parsed, Status, parse_choice, plain_text
from ._compat import spar_hit, vlmevalkit_hit, vlmevalkit_letter
from ._intervals import mean_interval

Compat = Literal["spar", "vlmevalkit"] | None

_LETTER = re.compile(r"\s*[(\[]?\s*([A-Za-z])\s*[)\]]?\s*\.?\s*")


def gold_letter(reference: object, options: Sequence[object] | None = None) -> str:
    """The gold as an upper-case letter; "b", "(B)" and, with ``options``, the text of an option are accepted.

    Raises:
        ValueError: neither a letter nor the text of exactly one option, or a letter beyond the options.

    >>> gold_letter("(B)"), gold_letter("left", options=["right", "left"])
    ('B', 'B')
    """
    letter = _LETTER.fullmatch(str(reference))
    if letter and (not options or ord(letter[1].upper()) - 65 < len(options)):
        return letter[1].upper()
    same = [i for i, text in enumerate(options or []) if plain_text(text) == plain_text(reference)]
    if len(same) != 1:
        raise ValueError(f"reference {reference!r} is neither an option letter nor the text of one of {options or []}")
    return chr(65 + same[0])


def _read(answer: object, options: Sequence[object] | None, letters: str, compat: Compat) -> Parsed[str]:
    if answer is None:
        return Parsed(None, "empty")
    if compat is None:
        return parse_choice(answer, options, letters)
    text = str(answer)
    value = text if compat == "spar" else vlmevalkit_letter(text)
    blank: Status = "empty" if not text.strip() else "ok" if value is not None else "unparsable"
    return Parsed(value if blank == "ok" else None, blank)


def choice_accuracy(
    predictions: Sequence[object],
    references: Sequence[str],
    *,
    options: Sequence[Sequence[object] | None] | None = None,
    groups: Sequence[Hashable] | None = None,
    compat: Compat = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Share of N answers that name the gold letter, with its interval.

    Args:
        predictions: (N,) answer texts; what commits to no single letter scores 0 and is counted.
        references: (N,) gold letters ("B", "(B)"), or the text of an option.
        options: (N,) option texts of each item in letter order, or None for items that have none. They bound the
            letters, and let an answer give the text of an option.
        groups: (N,) image or scene of each item, for an interval that respects what items share.
        compat: None, or the evaluator whose scores to give: "spar" (also lmms-eval) or "vlmevalkit".
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}.

    Returns:
        accuracy (0 to 1, or None for no items), n, n_unparsed, low, high, interval (its method), n_groups.

    >>> result = choice_accuracy(["B. left", "The answer is (C)", ""], ["B", "C", "A"])
    >>> round(result["accuracy"], 3), result["n"], result["n_unparsed"], result["interval"]
    (0.667, 3, 1, 'wilson')
    """
    if compat not in (None, "spar", "vlmevalkit"):
        raise ValueError(f"compat: expected None, 'spar' or 'vlmevalkit', got {compat!r}")
    n = len(references)
    if len(predictions) != n:
        raise ValueError(f"predictions: expected one per reference ({n}), got {len(predictions)}")
    option_lists: Sequence[Sequence[object] | None] = [None] * n if options is None else options
    if len(option_lists) != n:
        raise ValueError(f"options: expected one list (or None) per item ({n}), got {len(option_lists)}")
    if compat is None:
        golds = [gold_letter(*item) for item in zip(references, option_lists)]
    else:
        golds = [str(reference) for reference in references]
    last = max(["F", *golds]) if compat is None else "F"
    letters = "".join(map(chr, range(65, ord(last) + 1)))
    read = [_read(answer, texts, letters, compat) for answer, texts in zip(predictions, option_lists)]
    if compat is None:
        hits = [item.value == gold for item, gold in zip(read, golds)]
    else:
        hit = spar_hit if compat == "spar" else vlmevalkit_hit
        hits = [answer is not None and hit(str(answer), gold) for answer, gold in zip(predictions, golds)]
    scores = np.array(hits, dtype=np.float64)
    interval = mean_interval(scores, groups, confidence=confidence, seed=seed)
    result: dict[str, Any] = {
        "accuracy": float(scores.mean()) if n else None,
        "n": n,
        "n_unparsed": sum(item.status != "ok" for item in read),
        "low": interval.low,
        "high": interval.high,
        "interval": interval.method,
        "n_groups": interval.n_groups,
    }
    if return_items:
        result["items"] = [
            {"score": float(score), "value": item.value, "status": item.status} for score, item in zip(scores, read)
        ]
    return result
