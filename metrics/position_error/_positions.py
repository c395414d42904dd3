"""Named bird's-eye positions, read from lists, mappings or the text ``Object1 :(0.4,1.2). Object2 :(-1.0,3.5).``.

The text form is that of the bird's-eye questions of SPAR-7M (spatial_imagination_map_mv) and of the probe of SPAR,
section 4.4. Names are compared without case and spaces: "Object 1" is "object1".
"""

import json
import re
from collections.abc import Iterable, Mapping
from math import isfinite, nan
from typing import Any, NamedTuple

_NUMBER = r"[-+\u2212]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:[eE][-+]?\d{1,3})?"
_PAIR = re.compile(rf"[(\[]\s{{0,9}}({_NUMBER})\s{{0,9}}m?\s{{0,9}}[,;]\s{{0,9}}({_NUMBER})\s{{0,9}}m?\s{{0,9}}[)\]]")
_NAME = re.compile(r"([^\W_][\w' -]{0,63})[\"'*`]{0,3}\s{0,9}[:=]?\s{0,9}[\"'*`]{0,3}\s{0,9}$")
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


def _final_part(text: str) -> str:
    """What follows the reasoning, and the last ``<answer>`` where there is one."""
    text = text.rpartition("</think>")[2]
    return text.rpartition("<answer>")[2].partition("</answer>")[0]


def _pairs_in_text(text: str) -> Iterable[tuple[str, float, float]]:
    answer, end = _final_part(text), 0
    for pair in _PAIR.finditer(answer):
        name = _NAME.search(answer[max(end, pair.start() - 80) : pair.start()])
        end = pair.end()
        if name:
            x, y = (float(number.replace("\u2212", "-")) for number in pair.groups())
            numbered = _NUMBERED.search(name[1])
            yield numbered[0] if numbered else name[1], x, y


def _pairs(given: Any) -> list[tuple[str, float, float]]:
    if given is None:
        return []
    if isinstance(given, str):
        try:
            read = json.loads(given)
            return _pairs(read) if isinstance(read, (list, dict)) else []
        except (TypeError, KeyError, ValueError):  # no JSON, or JSON of another shape: read as any text
            return list(_pairs_in_text(given))
    if isinstance(given, Mapping):
        found = [(name, x, y) for name, (x, y) in given.items()]
    else:
        found = [(entry["name"], entry["x"], entry["y"]) for entry in given]
    return [(str(name), _coordinate(x), _coordinate(y)) for name, x, y in found]


def _coordinate(value: Any) -> float:
    return nan if value is None else float(value)


def read_positions(given: Any) -> Positions:
    """Positions of one sample, in metres.

    Args:
        given: text, a list of {name, x, y}, a mapping name -> (x, y), either of them as JSON text, or None.

    Raises:
        TypeError, KeyError, ValueError: a list or mapping of another shape.

    >>> read_positions("Object1 :(0.4,1.2). Object2 :(-1.0,3.5).").places
    {'object1': (0.4, 1.2), 'object2': (-1.0, 3.5)}
    >>> read_positions([{"name": "chair", "x": 1, "y": 2}]).places
    {'chair': (1.0, 2.0)}
    """
    places: dict[str, tuple[float, float]] = {}
    conflicting: set[str] = set()
    for name, *place in _pairs(given):
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
