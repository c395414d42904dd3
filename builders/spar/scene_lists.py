"""Scenes that must not be built, such as those that other benchmarks test on."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from builders.errors import InputError

_NAME = "[A-Za-z0-9][A-Za-z0-9._+-]*"
_LINE = re.compile(f"({_NAME}/)?{_NAME}")
"""Strict: a line that no scene can match would let a test scene into the training data."""


@dataclass(frozen=True)
class SceneList:
    """A list of scenes, and the hash of the file it came from."""

    scenes: frozenset[str] = frozenset()
    """``source/scene``, or ``scene`` of any source."""
    sha256: str = ""

    def holds(self, source: str, scene_id: str) -> bool:
        return scene_id in self.scenes or f"{source}/{scene_id}" in self.scenes


def read_scene_list(path: str) -> SceneList:
    """Read a scene to a line; ``#`` starts a comment. An empty path gives an empty list.

    Raises:
        InputError: the file cannot be read, or a line is no scene.
    """
    if not path:
        return SceneList()
    try:
        data = Path(path).read_bytes()
        lines = data.decode("utf-8-sig").splitlines()  # Windows puts a byte-order mark first
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"exclude: {path} cannot be read as text ({error})") from error
    scenes = set()
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text and not _LINE.fullmatch(text):
            raise InputError(f"exclude: {path}, line {number}: expected 'scene' or 'source/scene', got {text[:80]!r}")
        scenes.add(text)
    return SceneList(frozenset(scenes - {""}), hashlib.sha256(data).hexdigest())
