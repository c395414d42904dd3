"""Descriptions of objects by people, in the file format of ScanRefer: a JSON list of entries with ``scene_id``,
``object_id``, ``object_name``, ``ann_id``, ``description`` (and ``token``, its words).

They say which object they mean by its id in the ScanNet annotation; boxes come from the scan. Entries that do not fit
what is built are counted, never guessed at: those of other scenes in the manifest's settings, those about objects that
the scan lacks or that are never asked about (``no_such_object``; setting ``excluded_labels``), or that no frame shows
with the centre of their box (``never_visible``), among the rejections.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from builders.errors import InputError
from builders.hub.files import sha256_of
from builders.spar.tasks.grounding import Annotation

_KEYS = ("scene_id", "object_id", "ann_id", "description")
_TEXTS = ("scene_id", "description")


@dataclass(frozen=True)
class Annotations:
    """One file."""

    sha256: str
    """Empty without a file."""
    of_scene: Mapping[str, Sequence[Annotation]]

    def __len__(self) -> int:
        return sum(map(len, self.of_scene.values()))


NO_ANNOTATIONS = Annotations("", {})


def read_annotations(path: str) -> Annotations:
    """The entries of a file by scene, in their order; none for an empty path.

    Raises:
        InputError: not readable, not of this form, or an annotation of an object twice.
    """
    if not path:
        return NO_ANNOTATIONS
    if not Path(path).is_file():
        raise InputError(f"annotations: {path}: no such file; it is ScanRefer's ScanRefer_filtered_train.json, say")
    return _read(path, sha256_of(Path(path)))


@lru_cache(maxsize=1)
def _read(path: str, sha256: str) -> Annotations:
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"annotations: {path}: not readable as JSON ({error})") from error
    if not isinstance(entries, list):
        raise InputError(f"annotations: {path}: expected a list of entries")
    found: dict[str, dict[str, Annotation]] = {}
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not {*_KEYS} <= entry.keys():
            raise InputError(f"annotations: {path}: entry {number}: expected the keys {', '.join(_KEYS)}")
        if wrong := [key for key in _KEYS if not _says_something(entry[key], key)]:
            raise InputError(f"annotations: {path}: entry {number}: {wrong[0]} is {entry[wrong[0]]!r}, expected a text"
                             f"{'' if wrong[0] in _TEXTS else ' or a whole number'}")
        scene_id, object_id, ann_id, text = (str(entry[key]).strip() for key in _KEYS)
        name = f"{object_id}/{ann_id}"
        of_scene = found.setdefault(scene_id, {})
        if name in of_scene:
            raise InputError(f"annotations: {path}: entry {number}: {scene_id} has object_id {object_id} with ann_id "
                             f"{ann_id} already")
        of_scene[name] = Annotation(object_id, name, " ".join(text.split()))
    return Annotations(sha256, {scene_id: tuple(held.values()) for scene_id, held in found.items()})


def _says_something(value: object, key: str) -> bool:
    if key not in _TEXTS and isinstance(value, int):
        return not isinstance(value, bool)
    return isinstance(value, str) and bool(value.strip())
