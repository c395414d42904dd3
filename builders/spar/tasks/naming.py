"""Which labels name one kind of thing so that nothing else in the scene might be meant."""

from collections.abc import Iterable


def confusable(label: str, labels: Iterable[str]) -> bool:
    """Whether another label may mean the same kind of thing: both end in one noun, or one contains the other.

    Example:
        >>> confusable("chair", ["office chair"]), confusable("desk", ["desk lamp"]), confusable("cup", ["cupboard"])
        (True, True, False)
    """
    return any(_alike(label, other) for other in labels if other != label)


def _alike(a: str, b: str) -> bool:
    return a.split()[-1:] == b.split()[-1:] or f" {a} " in f" {b} " or f" {b} " in f" {a} "


def countable(label: str) -> bool:
    """Whether instances of a label can be counted: no plural such as ``books``, of which one instance is several.

    Example:
        >>> countable("glass"), countable("books")
        (True, False)
    """
    return label.endswith("ss") or not label.endswith("s")
