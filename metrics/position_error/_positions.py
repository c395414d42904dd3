"""Named bird's-eye positions, read from lists, mappings or the text ``Object1 :(0.4,1.2). Object2 :(-1.0,3.5).``.

The text form is that of the bird's-eye questions of SPAR-7M (spatial_imagination_map_mv) and of the probe of SPAR,
section 4.4. Names are compared without case and spaces: "Object 1" is "object1".
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from math import isfinite, nan
from typing import Any, NamedTuple

from ._answers import final_text

_NUMBER = r"[-+\u2212]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:[eE][-+]?\d{1,3})?"
_METRES = r"\s{0,9}(?:m|met(?:er|re)s?)?\s{0,9}"
_PAIR = re.compile(rf"[(\[]\s{{0,9}}({_NUMBER}){_METRES}[,;]\s{{0,9}}({_NUMBER}){_METRES}[)\]]")
_LABELLED = re.compile(
    rf"[\"']?\bx\b[\"']?\s{{0,9}}[:=]\s{{0,9}}({_NUMBER}){_METRES}(?:[,;]|and\b)?\s{{0,9}}"
    rf"[\"']?\by\b[\"']?\s{{0,9}}[:=]\s{{0,9}}({_NUMBER})",
    re.IGNORECASE,
)
_NAME = re.compile(r"([^\W_][\w' -]{0,63})[\"'*`]{0,3}\s{0,9}[:=]?\s{0,9}[\"'*`({\[]{0,3}\s{0,9}$")
_AT = re.compile(
    r"(?:\s+(?:is|are|stands|sits|lies|located|placed|positioned|situated|approximately|about|roughly|at|the|position"
    r"|coordinates?|point|location))+\s*$",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:and\s+|the\s+)+", re.IGNORECASE)
_NUMBERED = re.compile(r"object\s?\d+\s?$", re.IGNORECASE)  # "and object2 (1, 2)" is about object2


class Positions(NamedTuple):
    """Objects of one sample."""

    places: dict[str, tuple[float, float]]
    """Normalised name -> (x, y) in metres."""
    conflicting: frozenset[str]
    """Names that were given two different places, or one that is no finite number: no place is chosen for them."""


def normalised(name: object) -> str:
    """The name as it is compared.

    >>> normalised(" Object 1")
    'object1'
    """
    return "".join(str(name).split()).casefold()


def _known_name(name: str, known: Collection[str]) -> str:
    """The object that the words before a place are about: the longest end of them that is a known name, if any is."""
    name = _ARTICLE.sub("", _AT.sub("", name)) or name
    words = name.split()
    for start in range(len(words)):
        if normalised(" ".join(words[start:])) in known:
            return " ".join(words[start:])
    numbered = _NUMBERED.search(name)
    return numbered[0] if numbered else name


def _pairs_in_text(answer: str, known: Collection[str]) -> Iterable[tuple[str, float, float]]:
    end = 0
    for pair in sorted((*_PAIR.finditer(answer), *_LABELLED.finditer(answer)), key=lambda found: found.start()):
        name = _NAME.search(answer[max(end, pair.start() - 80) : pair.start()])
        end = pair.end()
        if name:
            x, y = (float(number.replace("\u2212", "-")) for number in pair.groups())
            yield _known_name(name[1], known), x, y


def _pairs(given: Any, known: Collection[str] = ()) -> list[tuple[str, float, float]]:
    if given is None:
        return []
    if isinstance(given, str):
        final = final_text(given).value
        for text in (given, (final or "").removeprefix("json")):
            try:
                read = json.loads(text)
                return _pairs(read) if isinstance(read, (list, dict)) else []
            except (TypeError, KeyError, ValueError, RecursionError):  # not JSON, or JSON of another shape
                continue
        return list(_pairs_in_text(final, known)) if final else []
    if isinstance(given, Mapping):
        places = ((name, (at["x"], at["y"]) if isinstance(at, Mapping) else at) for name, at in given.items())
        found = [(name, x, y) for name, (x, y) in places]
    else:
        found = [(entry["name"], entry["x"], entry["y"]) for entry in given]
    return [(str(name), _coordinate(x), _coordinate(y)) for name, x, y in found]


def _coordinate(value: Any) -> float:
    return nan if value is None else float(value)


def read_positions(given: Any, known: Collection[str] = ()) -> Positions:
    """Positions of one sample, in metres.

    Args:
        given: text, a list of {name, x, y}, a mapping name -> (x, y) or {x, y}, either of them as JSON text, or None.
        known: normalised names to look for first in a text.

    Raises:
        TypeError, KeyError, ValueError: a list or mapping of another shape.

    >>> read_positions("Object1 :(0.4,1.2). Object2 :(-1.0,3.5).").places
    {'object1': (0.4, 1.2), 'object2': (-1.0, 3.5)}
    >>> read_positions([{"name": "chair", "x": 1, "y": 2}]).places
    {'chair': (1.0, 2.0)}
    """
    places: dict[str, tuple[float, float]] = {}
    conflicting: set[str] = set()
    for name, *place in _pairs(given, known):
        key, (x, y) = normalised(name), place
        if not (isfinite(x) and isfinite(y)) or places.get(key, (x, y)) != (x, y):
            conflicting.add(key)
        places[key] = (x, y)
    return Positions({key: at for key, at in places.items() if key not in conflicting}, frozenset(conflicting))


def as_text(given: Any) -> str | None:
    """One text per sample, which an Arrow column holds whatever the form was; :func:`read_positions` reads it back."""
    if given is None or isinstance(given, str):
        return given
    return json.dumps([{"name": name, "x": x, "y": y} for name, x, y in _pairs(given)])
