"""What a source holds, before anything is built from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from builders.errors import SceneError
from builders.scenes.scene import SceneSource

HEAD = ("source", "scenes", "train", "validation", "test", "looked at", "frames", "objects", "with depth", "missing")

_NAMED = 8
"""Scenes named with a gap, of those that have it."""


@dataclass(frozen=True)
class Description:
    """Of a source: counts over all of its scenes, and over those looked at."""

    scenes: int
    splits: Mapping[str, int]
    """Scenes by split."""
    looked_at: int
    frames: int
    """Of the scenes looked at, as are the following."""
    objects: int
    with_depth: int
    """Scenes with depth maps."""
    missing: Mapping[str, Sequence[str]]
    """File without which a scene cannot be loaded -> scenes that lack it."""
    unreadable: Mapping[str, str]
    """Scene -> why it cannot be read."""

    def line(self, name: str) -> tuple[str, ...]:
        """Cells under ``HEAD``."""
        counts = (self.scenes, *(self.splits.get(split, 0) for split in HEAD[2:5]), self.looked_at, self.frames,
                  self.objects, self.with_depth)
        gaps = [f"{what} ({len(scenes)})" for what, scenes in self.missing.items()]
        gaps += [f"{len(self.unreadable)} unreadable"] if self.unreadable else []
        return (name, *map(str, counts), ", ".join(gaps) or "-")

    def problems(self) -> list[str]:
        """What is missing where, a line each."""
        lines = [f"{what} is missing in {', '.join(scenes[:_NAMED])}"
                 + (f" and {len(scenes) - _NAMED} more" if len(scenes) > _NAMED else "")
                 for what, scenes in self.missing.items()]
        return lines + [f"{scene_id}: {reason}" for scene_id, reason in self.unreadable.items()]


def describe(source: SceneSource, scenes: int = 0) -> Description:
    """Look at the source's scenes without loading them.

    Args:
        scenes: look at so many of them, from the first; 0: at all (of generated rooms, at as many as a build takes).
    """
    scene_ids = source.scene_ids()
    looked_at = scene_ids[: scenes or source.default_scenes or len(scene_ids)]
    totals: Counter[str] = Counter()
    missing: dict[str, list[str]] = {}
    unreadable: dict[str, str] = {}
    for scene_id in tqdm(looked_at, desc=source.name, unit="scene", leave=False):
        try:
            seen = source.glance(scene_id)
        except SceneError as error:
            unreadable[scene_id] = str(error)
            continue
        totals.update(frames=seen.frames, objects=seen.objects, with_depth=int(seen.has_depth))
        for what in seen.missing:
            missing.setdefault(what, []).append(scene_id)
    return Description(len(scene_ids), Counter(map(source.split, scene_ids)), len(looked_at), totals["frames"],
                       totals["objects"], totals["with_depth"], missing, unreadable)
