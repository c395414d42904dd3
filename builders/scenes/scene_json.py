"""What a ``scene.json`` says, entry by entry, as typed things; ``boxes_json`` says what may stand in one. Whatever is
wrong is said in one line, with the entry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from builders.errors import SceneError
from builders.scenes import image_files
from builders.scenes.scan_files import count, read_json
from builders.scenes.scene import Array, Frame, OrientedBox, Room, SceneObject

FORMAT = "vantage-scene-1"
DESCRIPTION = "scene.json"
SPLITS = ("train", "validation", "test")
ADVICE = "correct scene.json, or put the file there"

_KEYS = {
    "the scene": {"format", "split", "objects", "frames", "rooms"},
    "objects": {"id", "label", "center", "extents", "yaw", "axes", "instance", "structural"},
    "frames": {"id", "image", "intrinsics", "world_from_camera", "depth", "depth_intrinsics", "instances"},
    "rooms": {"frames", "polygon"},
}


@dataclass(frozen=True)
class Files:
    """Where one frame's files are."""

    image: Path
    depth: Path | None
    instances: Path | None


def within(folder: Path, name: str) -> Path:
    """``folder / name``, where that lies in the folder, links followed; ``SceneError`` where it leads out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SceneError(f"{path}: leads out of {folder}, and nothing outside of it is read; put the file there")
    return path


def read_description(folder: Path) -> dict[str, Any]:
    path = within(folder, DESCRIPTION)
    described = read_json(path, "correct it")
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise SceneError(f'{path}: expected an object with "format": "{FORMAT}"')
    return described


def require_keys(entry: Mapping[str, Any], kind: str, where: str) -> None:
    unknown = sorted(set(entry) - _KEYS[kind] - {"note"})
    if unknown:
        raise SceneError(f"{where}: unknown key {unknown[0]!r}; {kind} know {', '.join(sorted(_KEYS[kind]))} and note")


def entries_of(described: Mapping[str, Any], kind: str, where: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Each entry of a list, and where it stands."""
    entries = described.get(kind, [])
    if not isinstance(entries, list):
        raise SceneError(f"{where}: expected a list under {kind!r}")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise SceneError(f"{where}: {kind}[{number}]: expected an object")
        at = f"{where}: {kind}[{number}]" + (f" ({entry['id']})" if "id" in entry else "")
        require_keys(entry, kind, at)
        yield entry, at


def _word(entry: Mapping[str, Any], key: str, at: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
        raise SceneError(f"{at}: expected a name under {key!r}, got {value!r}")
    return str(value)


def _numbers(entry: Mapping[str, Any], key: str, shape: tuple[int, ...], at: str) -> Array:
    try:
        values = np.array(entry.get(key), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SceneError(f"{at}: expected numbers under {key!r} ({error})") from error
    if values.shape != shape or not np.isfinite(values).all():
        raise SceneError(f"{at}: expected {'x'.join(map(str, shape))} finite numbers under {key!r}, got "
                         f"{entry.get(key)!r:.80}")
    return values


def object_of(entry: Mapping[str, Any], at: str) -> SceneObject:
    if "yaw" in entry and "axes" in entry:
        raise SceneError(f"{at}: give yaw or axes, not both")
    axes = np.eye(3)
    if "axes" in entry:
        axes = _numbers(entry, "axes", (3, 3), at)
    elif "yaw" in entry:
        yaw = np.radians(float(_numbers(entry, "yaw", (), at)))
        axes = np.array([[np.cos(yaw), np.sin(yaw), 0], [-np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    instance, structural = entry.get("instance"), entry.get("structural", False)
    if instance is not None and (not isinstance(instance, int) or isinstance(instance, bool)):
        raise SceneError(f"{at}: expected a whole number under 'instance', got {instance!r}")
    if not isinstance(structural, bool):
        raise SceneError(f"{at}: expected true or false under 'structural', got {structural!r}")
    label = " ".join(_word(entry, "label", at).lower().split())
    try:
        box = OrientedBox(_numbers(entry, "center", (3,), at), axes, _numbers(entry, "extents", (3,), at))
    except ValueError as error:
        raise SceneError(f"{at}: {error}") from error
    return SceneObject(_word(entry, "id", at), label, box, structural=structural)


def frames_of(described: Mapping[str, Any], folder: Path, dropped: dict[str, int]) -> Iterator[Frame]:
    for entry, at in entries_of(described, "frames", folder / DESCRIPTION):
        if entry.get("world_from_camera") is None:
            count(dropped, "frames_without_pose")
            continue
        path = within(folder, _word(entry, "image", at))
        intrinsics = _intrinsics(entry, "intrinsics", at)
        own = entry.get("depth_intrinsics") is not None
        depth = _intrinsics(entry, "depth_intrinsics", at) if own else intrinsics
        pose = _numbers(entry, "world_from_camera", (4, 4), at)
        size = image_files.image_size(path, ADVICE)
        if entry.get("depth"):
            measured = image_files.depth_size(within(folder, _word(entry, "depth", at)), ADVICE)
            if measured != size and not own:
                raise SceneError(f"{at}: {measured[0]}x{measured[1]} pixels of depth, {size[0]}x{size[1]} of colour; "
                                 "say which camera the depth map has, under 'depth_intrinsics'")
        try:
            yield Frame(_word(entry, "id", at), *size, intrinsics, pose, depth if entry.get("depth") else None)
        except ValueError as error:
            raise SceneError(f"{at}: {error}") from error


def _intrinsics(entry: Mapping[str, Any], key: str, at: str) -> Array:
    given = entry.get(key)
    if not isinstance(given, dict):
        return _numbers(entry, key, (3, 3), at)
    fx, fy, cx, cy = (float(_numbers(given, name, (), f"{at}: {key}")) for name in ("fx", "fy", "cx", "cy"))
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def files_of(described: Mapping[str, Any], folder: Path) -> dict[str, Files]:
    """The files of each frame by its id."""
    found = {}
    for entry, at in entries_of(described, "frames", folder / DESCRIPTION):
        depth, instances = (within(folder, _word(entry, key, at)) if entry.get(key) else None
                            for key in ("depth", "instances"))
        found[_word(entry, "id", at)] = Files(within(folder, _word(entry, "image", at)), depth, instances)
    return found


def room_of(entry: Mapping[str, Any], at: str) -> Room:
    frames, corners = entry.get("frames"), entry.get("polygon")
    if not isinstance(frames, list) or not isinstance(corners, list) or len(corners) < 3:
        raise SceneError(f"{at}: expected frame ids under 'frames' and at least three corners under 'polygon'")
    return Room(tuple(map(str, frames)), _numbers(entry, "polygon", (len(corners), 2), at))
