"""A folder of spar_7m or spar_bench into the published JSONL tree.

Four passes, each of them a stream: pictures that rows embed; pictures, depth and cameras of the ``frames`` config;
pictures from scans given by the user; records. Markers are not drawn: in the release they are data.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from builders.errors import InputError, SceneError
from builders.hub.files import safe_name
from builders.hub.manifest import read_manifest
from builders.hub.shards import SHARD_NAME
from builders.scenes.scene import SceneSource
from builders.spar.frame_tables import WITHOUT_QUESTIONS
from builders.spar.jsonl.conversion import record_of
from builders.spar.jsonl.folder import new_folder
from builders.spar.jsonl.layout import PUBLISHED_SPLIT, frame_stem, is_video, picture_name, task_folder
from builders.spar.pictures import Pictures
from builders.spar.rows import SPAR_FEATURES, Row

_BATCH = 512
_PICTURE_BATCH = 16
"""Rows in memory at a time: a video question carries 32 pictures."""

_Place = tuple[str, str, str, int | None]
"""Source, scene, frame id, position in the video (None for stills)."""


@dataclass
class Exported:
    """What was written."""

    rows: int = 0
    files: int = 0
    pictures: int = 0
    missing: list[str] = field(default_factory=list)
    """``source/scene/picture`` of the pictures that records name and nothing could give."""
    unreadable: list[str] = field(default_factory=list)
    """Why the given scans lack some of them."""


def export_jsonl(folder: Path, out: Path, sources: Mapping[str, SceneSource], plain: bool = False,
                 config: str = "") -> Exported:
    """Write ``folder`` as the published tree ``out``; the same folder gives the same bytes.

    Args:
        sources: scans by name, for pictures that the folder only refers to, or has with markers burnt in.
        plain: leave out the key with the columns that the published layout lacks.
        config: this config alone; empty takes ``default``, or every config of questions where there is none.

    Raises:
        InputError: the folder is not a finished dataset of ours, ``out`` holds something, or the layout cannot hold a
            row.
    """
    shards = _shards(folder, config)
    with new_folder(out) as partial:
        pictures = _PictureStore(partial)
        for path, _ in shards:
            pictures.add_rows(path)
        for path in sorted((folder / "frames").glob("*.parquet")):
            pictures.add_frames(path)
        pictures.write_videos()
        unreadable = pictures.add_scans(sources)
        writer = _RecordWriter(partial, pictures, plain)
        for path, split in shards:
            writer.add(path, split)
        files = writer.finish()
        return Exported(writer.rows, files, len(pictures.written), pictures.missing(), unreadable)


def _shards(folder: Path, config: str) -> list[tuple[Path, str]]:
    """(file, split) of every shard of questions."""
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder; give a folder made by scripts/build.py")
    if (folder / "manifest.json").is_file():
        names = list(read_manifest(folder)["files"])
    elif (folder / ".build").is_dir():
        raise InputError(f"{folder}: its build has not finished; run the build again")
    else:
        names = [f"{path.parent.name}/{path.name}" for path in sorted(folder.glob("*/*.parquet"))]
    shards = [name.split("/") for name in names if SHARD_NAME.fullmatch(name.rpartition("/")[2])]
    configs = sorted({name for name, _ in shards} - set(WITHOUT_QUESTIONS))
    if config and config not in configs:
        raise InputError(f"--config {config}: {folder} has the configs {', '.join(configs) or 'none'}")
    chosen = [config] if config else ["default"] if "default" in configs else configs
    found = [(folder / name / shard, shard.split("-")[0]) for name, shard in sorted(shards) if name in chosen]
    if not found:
        raise InputError(f"{folder}: no <config>/<split>-*.parquet with questions in it")
    for path, split in found:
        if not path.is_file():
            raise InputError(f"{path}: is in the manifest, but missing; run the build again")
        if split not in PUBLISHED_SPLIT:
            raise InputError(f"{path}: unknown split {split!r}; expected {', '.join(PUBLISHED_SPLIT)}")
        lacking = [name for name in SPAR_FEATURES if name not in pq.read_schema(path).names and name != "image"]
        if lacking:
            raise InputError(f"{path}: not a folder of spar_7m or spar_bench (no column {lacking[0]!r})")
        if "box_centers" in pq.read_schema(path).names:
            raise InputError(f"{path}: the released layout has no place for the boxes and cameras of spar_3d")
    return found


def _places(row: Row) -> list[_Place]:
    video = is_video(row)
    return [(row["source"], row["scene_id"], frame, i if video else None) for i, frame in enumerate(row["frame_ids"])]


class _PictureStore:
    """Everything below ``images/``: each picture once, under its published name."""

    def __init__(self, root: Path):
        self._root = root / "spar"
        self.written: dict[_Place, tuple[str, bytes]] = {}
        """Place -> (suffix, digest)."""
        self.depths: set[_Place] = set()
        self._wanted: dict[tuple[str, str, str], dict[int | None, None]] = {}
        """(source, scene, frame id) -> positions, in the order found."""
        self._videos: dict[tuple[str, str], set[tuple[str, ...]]] = {}
        self._intrinsics: dict[tuple[str, str, str], str] = {}

    def name(self, place: _Place) -> str:
        suffix, _ = self.written.get(place, ("jpg", b""))
        return picture_name(place[2], place[3], suffix)

    def depth_name(self, place: _Place) -> str:
        return picture_name(place[2], place[3], "png").replace("_color/", "_depth/")

    def missing(self) -> list[str]:
        places = ((*key, position) for key, positions in self._wanted.items() for position in positions)
        return [f"{place[0]}/{place[1]}/{self.name(place)}" for place in places if place not in self.written]

    def add_rows(self, shard: Path) -> None:
        """Note which pictures the rows need, and write those they embed without markers."""
        columns = ["source", "scene_id", "frame_ids", "img_type", "task", "objects.list.element.color",
                   "objects.list.element.image_index", "image"]
        names = pq.read_schema(shard).names
        burnt_in = "id" in names  # spar_bench draws markers, spar_7m does not
        for row in _rows(shard, [c for c in columns if c in names or "." in c], _PICTURE_BATCH):
            safe_name(row["source"])
            safe_name(row["scene_id"])
            if is_video(row):
                self._videos.setdefault((row["source"], row["scene_id"]), set()).add(tuple(row["frame_ids"]))
            marked = {item["image_index"] for item in row["objects"] if item["color"]} if burnt_in else set()
            for view, place in enumerate(_places(row)):
                self._wanted.setdefault(place[:3], {})[place[3]] = None
                images = row.get("image") or []
                data = images[view]["bytes"] if view < len(images) and images[view] else None
                if data and view not in marked:
                    self._write(place, data)

    def add_frames(self, shard: Path) -> None:
        """Pictures, depth and cameras of the ``frames`` config, as far as questions show them."""
        for frame in _rows(shard, None, _PICTURE_BATCH):
            key = frame["source"], frame["scene_id"], frame["frame_id"]
            image, depth = (frame.get(name) or {} for name in ("image", "depth"))
            for position in self._wanted.get(key, ()):
                place: _Place = (*key, position)
                if image.get("bytes"):
                    self._write(place, image["bytes"])
                scene, kind = self._scene(place), "image" if position is None else "video"
                stem = frame_stem(key[2], position)
                if depth.get("bytes"):
                    _put(scene / self.depth_name(place), depth["bytes"])
                    self.depths.add(place)
                if frame.get("world_from_camera"):
                    pose = "pose" if kind == "image" else "video_pose"
                    _put(scene / pose / f"{stem}.txt", _matrix(frame["world_from_camera"]))
                for column, what in (("intrinsics", "color"), ("depth_intrinsics", "depth")):
                    if frame.get(column):
                        self._write_intrinsics(scene, what, key, _matrix(frame[column]))

    def _write_intrinsics(self, scene: Path, what: str, key: tuple[str, str, str], text: bytes) -> None:
        """One file for the scene, as ScanNet has it; frames that differ from it get a file of their own."""
        digest = hashlib.blake2b(text, digest_size=16).hexdigest()
        if self._intrinsics.setdefault((key[0], key[1], what), digest) == digest:
            _put(scene / "intrinsic" / f"intrinsic_{what}.txt", text)
        else:
            _put(scene / "intrinsic" / f"intrinsic_{what}_{frame_stem(key[2], None)}.txt", text)

    def write_videos(self) -> None:
        """``video_idx.txt`` of scenes in which all videos show the same frames."""
        for (source, scene), videos in self._videos.items():
            if len(videos) == 1:
                (frames,) = videos
                text = "".join(f"{frame}\n" for frame in frames)
                _put(self._scene((source, scene, "", None)) / "video_idx.txt", text.encode())

    def add_scans(self, sources: Mapping[str, SceneSource]) -> list[str]:
        """Pictures still missing, from the user's copy of the scans, scene by scene; what cannot be read, and why."""
        absent: dict[tuple[str, str], list[_Place]] = {}
        for key, positions in self._wanted.items():
            lacking = [place for position in positions if (place := (*key, position)) not in self.written]
            if key[0] in sources and lacking:
                absent.setdefault(key[:2], []).extend(lacking)
        problems = []
        for (name, scene_id), places in absent.items():
            source = sources[name]
            try:
                pictures = Pictures(source, source.load(scene_id))
                for place in places:
                    self._write(place, pictures.of_frame(place[2])["bytes"])
            except (InputError, SceneError) as error:
                problems.append(f"{name}/{scene_id}: {error}")
        return problems

    def _write(self, place: _Place, data: bytes) -> None:
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if place not in self.written:
            self.written[place] = "png" if data.startswith(b"\x89PNG") else "jpg", digest
            _put(self._scene(place) / self.name(place), data)
        elif self.written[place][1] != digest:
            raise InputError(f"{'/'.join(place[:3])}: the folder holds two different pictures of this frame")

    def _scene(self, place: _Place) -> Path:
        return self._root / place[0] / "images" / place[1]


class _RecordWriter:
    """Appends records to one file per source, split, task and format; the files get their names at the end."""

    def __init__(self, root: Path, pictures: _PictureStore, plain: bool):
        self._root, self._pictures, self._plain = root, pictures, plain
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._numbers: Counter[tuple[str, str]] = Counter()

    @property
    def rows(self) -> int:
        return self._counts.total()

    def add(self, shard: Path, split: str) -> None:
        columns = [name for name in SPAR_FEATURES if name != "image"]
        opened: dict[tuple[str, str, str, str], BinaryIO] = {}
        with ExitStack() as stack:  # files are closed after each shard: all of them would be too many
            for row in _rows(shard, columns, _BATCH):
                key = row["source"], PUBLISHED_SPLIT[split], task_folder(row["task"]), row["format_type"]
                if key not in opened:
                    for name in key:
                        safe_name(name)
                    self._open_name(key).parent.mkdir(parents=True, exist_ok=True)
                    opened[key] = stack.enter_context(self._open_name(key).open("ab"))
                opened[key].write(self._line(row))
                self._counts[key] += 1

    def _line(self, row: Row) -> bytes:
        places = _places(row)
        whole = all(place in self._pictures.depths for place in places)
        depths = [self._pictures.depth_name(place) for place in places] if whole else []
        scene = row["source"], row["scene_id"]
        images = [self._pictures.name(place) for place in places]
        try:
            record = record_of(row, self._numbers[scene], images, depths, self._plain)
            line = json.dumps(record, ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            raise InputError(f"{row['uid']}: cannot be exported ({error})") from error
        self._numbers[scene] += 1
        return line.encode() + b"\n"

    def finish(self) -> int:
        """Name the files after their numbers of rows and write the indices; how many JSONL files there are."""
        index: dict[tuple[str, str], dict[str, Any]] = {}
        for key in sorted(self._counts):
            source, split, task, form = key
            path = self._open_name(key).rename(self._open_name(key).with_name(f"{form}_{self._counts[key]}.jsonl"))
            index.setdefault((source, split), {})[f"{source}_{task}_{form}"] = {
                "root": f"spar/{source}/images",
                "annotation": path.relative_to(self._root).as_posix(),
                "repeat_time": 1,
                "length": self._counts[key],
            }
        for (source, split), entries in index.items():
            thousands = sum(entry["length"] for entry in entries.values()) // 1000
            name = source if split == "train" else f"{source}_{split}"  # the release indexes train only
            text = json.dumps(entries, indent=4) + "\n"
            _put(self._root / "data_jsons" / f"{name}_{thousands}k.json", text.encode())
        return len(self._counts)

    def _open_name(self, key: tuple[str, str, str, str]) -> Path:
        source, split, task, form = key
        return self._root / "spar" / source / "qa_jsonl" / split / task / form / f"{form}.open"


def _rows(shard: Path, columns: list[str] | None, batch: int) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(shard) as file:
        for table in file.iter_batches(batch_size=batch, columns=columns):
            yield from table.to_pylist()


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _matrix(rows: Sequence[Sequence[float]]) -> bytes:
    """Numbers in the shortest form that reads back equal."""
    return "".join(" ".join(repr(float(x)) for x in row) + "\n" for row in rows).encode()
