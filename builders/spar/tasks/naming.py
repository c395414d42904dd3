"""Which labels name one kind of thing so that nothing else in the scene might be meant."""

from collections.abc import Iterable
from functools import lru_cache

from builders.spar.records import SceneRecord
from builders.spar.wording import templates

_SINGULAR = frozenset({"atlas", "canvas", "gas", "lens"})
"""Nouns in -s with "is", besides those in -ss, -us and -is."""


def confusable(label: str, labels: Iterable[str]) -> bool:
    """Whether "the <label>" may be taken for a thing with another label: both end in one noun, or the other label
    contains this one.

    Example:
        >>> [confusable("chair", [other]) for other in ("office chair", "chair lift", "armchair")]
        [True, True, False]
        >>> confusable("floor lamp", ["desk lamp"]), confusable("desk lamp", ["desk"])
        (True, False)
    """
    others = (other for other in labels if other != label)
    return any(label.split()[-1:] == other.split()[-1:] or _contains(other, label) for other in others)


@lru_cache(maxsize=1)
def unmistakable(record: SceneRecord) -> frozenset[str]:
    """The objects that "the <label>" names: no other one is called so, or could be."""
    return frozenset(name for name in record.objects
                     if record.labels[record.label(name)] == 1 and not confusable(record.label(name), record.labels))


def countable_apart(label: str, labels: Iterable[str]) -> bool:
    """Whether all things of this kind carry this label and no other one: no other label contains it (office chairs are
    chairs), and none is the noun it ends in (a thing called chair may be an office chair).

    Example:
        >>> [countable_apart("office chair", [other]) for other in ("chair", "armchair", "office")]
        [False, True, True]
        >>> countable_apart("chair", ["office chair"]), countable_apart("floor lamp", ["desk lamp"])
        (False, True)
    """
    return not any(_contains(other, label) or f" {label}".endswith(f" {other}") for other in labels if other != label)


def _contains(label: str, words: str) -> bool:
    return f" {words} " in f" {label} "


class Name(str):
    """What the text calls an object. A template picks the word that agrees with it by ``{red:is|are}``.

    Example:
        >>> "{red:Is|Are} the {red} far?".format(red=Name("books (red point)", of="books"))
        'Are the books (red point) far?'
    """

    _plural: bool

    def __new__(cls, text: str, of: str) -> "Name":
        """
        Args:
            of: the label of the object.
        """
        name = super().__new__(cls, text)
        name._plural = plural(of)
        return name

    def __format__(self, spec: str) -> str:
        singular, separator, many = spec.partition("|")
        if not separator:
            return super().__format__(spec)
        return many if self._plural else singular


@lru_cache(maxsize=4096)
def called(label: str, marker: str, color: str) -> Name:
    """What the text calls an object with a marker.

    Example:
        >>> called("books", "point", "red")
        'books (red point)'
    """
    return Name(templates("common")["marker"][marker].format(label=label, color=color), of=label)


def plural(label: str) -> bool:
    """Whether a label's verb is "are": its head noun, the last word or the one before "of", is a plural.

    Example:
        >>> [plural(label) for label in ("books", "kitchen curtains", "clothes", "people", "boxes of paper")]
        [True, True, True, True, True]
        >>> [plural(label) for label in ("glass", "cactus", "canvas", "chess set", "set of shelves", "tennis racket")]
        [False, False, False, False, False, False]
    """
    words = label.split()
    head = words[words.index("of") - 1] if "of" in words[1:] else words[-1]
    return head == "people" or (head.endswith("s") and not head.endswith(("ss", "us", "is")) and head not in _SINGULAR)


def countable(label: str) -> bool:
    """Whether instances of a label can be counted: no plural such as ``books``, of which one instance is several.

    Example:
        >>> countable("glass"), countable("books")
        (True, False)
    """
    return not plural(label)
