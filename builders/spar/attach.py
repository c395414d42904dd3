"""Pictures put back into rows that only refer to them (scans whose licence forbids passing pixels on)."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, Protocol, TypeVar

import datasets
from PIL import Image

from builders.errors import InputError
from builders.scenes import open_source
from builders.scenes.scene import Frame, Scene, SceneSource
from builders.spar.pictures import EncodedImage, Pictures, with_markers

_KEPT_SCENES = 8

AnyDataset = TypeVar("AnyDataset", datasets.Dataset, datasets.IterableDataset)


def attach_images(
    dataset: AnyDataset, *sources: str | SceneSource | datasets.Dataset | datasets.DatasetDict,
    markers: bool | None = None,
) -> AnyDataset:
    """The dataset with ``image`` filled from your own copy of the scans, or from a ``frames`` config that has pixels.

    Pictures are read when rows are read, not before; rows of other sources and rows with pictures pass unchanged.

    Args:
        dataset: rows of spar_bench or spar_7m with referenced pictures, in memory or streamed; or a ``frames`` config,
            whose ``depth`` is filled, too.
        sources: ``NAME=ROOT`` as ``scripts/build.py --source`` takes it, an opened source (of generated rooms, with the
            seed and the renderer that the dataset's manifest names), or a loaded ``frames`` config.
        markers: whether markers are drawn in; by default in rows of spar_bench (those with ``id``), as if embedded.

    Raises:
        InputError: a source cannot be opened, none of them is a source of the rows, or (when a row is read) one lacks
            the row's scene.
        SceneError: a scene or a frame cannot be read.

    Example (needs scans)::

        bench = attach_images(load_dataset("org/SPAR-Bench", split="test"), "scannet=/data/scannet/scans")
        bench[0]["image"][0].show()
    """
    reader = _RowReader([_opened(source) for source in sources], markers)
    if isinstance(dataset, datasets.IterableDataset):
        return dataset.map(reader.filled, features=dataset.features)
    if "source" in dataset.column_names:
        held = dataset.unique("source")
        if not reader.names & set(held):
            raise InputError(f"attach_images: the rows come from {', '.join(held)}; give one of these as NAME=ROOT")
    return dataset.with_transform(reader.batch)


def row_filler(
    *sources: str | SceneSource | datasets.Dataset | datasets.DatasetDict, markers: bool | None = None
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What ``attach_images`` does to one row: row -> its ``image``, pictures where it had None.

    Args, raises: as ``attach_images``.
    """
    return _RowReader([_opened(source) for source in sources], markers).filled


class _Views(Protocol):
    """Where encoded pictures come from."""

    names: set[str]
    """Sources of scenes it has pictures of."""

    def image(self, source: str, scene_id: str, frame_id: str) -> EncodedImage | None: ...

    def depth(self, source: str, scene_id: str, frame_id: str) -> EncodedImage | None: ...


class ScanViews:
    """Encoded pictures of scans, as stored; keeps the scenes used last: loading one costs more than reading its
    pictures."""

    def __init__(self, source: SceneSource):
        self._source = source
        self.names = {source.name}
        self._scenes: OrderedDict[str, tuple[Scene, Pictures, dict[str, Frame]]] = OrderedDict()

    def image(self, source: str, scene_id: str, frame_id: str) -> EncodedImage | None:
        return self._scene(scene_id)[1].of_frame(frame_id)

    def depth(self, source: str, scene_id: str, frame_id: str) -> EncodedImage | None:
        scene, _, frames = self._scene(scene_id)
        data = self._source.read_depth(scene, frames[frame_id]) if frame_id in frames else None
        return {"bytes": data, "path": f"{scene_id}_{frame_id}_depth.png"} if data else None

    def _scene(self, scene_id: str) -> tuple[Scene, Pictures, dict[str, Frame]]:
        if scene_id not in self._scenes:
            scene = self._source.load(scene_id)
            self._scenes[scene_id] = scene, Pictures(self._source, scene), {f.frame_id: f for f in scene.frames}
            if len(self._scenes) > _KEPT_SCENES:
                self._scenes.popitem(last=False)
        self._scenes.move_to_end(scene_id)
        return self._scenes[scene_id]


class _FrameViews:
    """Pictures from a ``frames`` config."""

    def __init__(self, frames: datasets.Dataset):
        missing = {"source", "scene_id", "frame_id", "image", "depth"} - set(frames.column_names)
        if missing:
            raise InputError(f"attach_images: expected a frames config, but it lacks the column {sorted(missing)[0]!r}")
        keys = zip(frames["source"][:], frames["scene_id"][:], frames["frame_id"][:], strict=True)
        self._rows = {key: row for row, key in enumerate(keys)}
        self.names = {source for source, _, _ in self._rows}
        self._columns = {
            name: frames.select_columns([name]).cast_column(name, datasets.Image(decode=False))
            for name in ("image", "depth")
        }

    def image(self, source: str, scene_id: str, frame_id: str) -> EncodedImage | None:
        return self._entry("image", source, scene_id, frame_id)

    def depth(self, source: str, scene_id: str, frame_id: str) -> EncodedImage | None:
        return self._entry("depth", source, scene_id, frame_id)

    def _entry(self, column: str, *key: str) -> EncodedImage | None:
        if key not in self._rows:
            raise InputError(f"attach_images: the frames lack {'/'.join(key)}; give those of all splits")
        return self._columns[column][self._rows[key]][column]


def _opened(source: str | SceneSource | datasets.Dataset | datasets.DatasetDict) -> _Views:
    if isinstance(source, datasets.DatasetDict):
        return _FrameViews(datasets.concatenate_datasets(list(source.values())))
    if isinstance(source, datasets.Dataset):
        return _FrameViews(source)
    if source == "procedural":
        raise InputError("attach_images: rooms depend on seed and renderer; give builders.scenes.open_source("
                         '"procedural", SEED, RENDERER) with those of the manifest')
    if isinstance(source, str):
        return ScanViews(open_source(source))
    if hasattr(source, "read_color"):
        return ScanViews(source)
    raise InputError("attach_images: expected NAME=ROOT, an opened source or a frames config in memory, got a "
                     f"{type(source).__name__}")


class _RowReader:
    """Fills ``image``, and ``depth`` of frames."""

    def __init__(self, views: Sequence[_Views], markers: bool | None):
        self._views = {name: one for one in views for name in one.names}
        self._markers = markers

    @property
    def names(self) -> set[str]:
        return set(self._views)

    def batch(self, rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """A ``with_transform`` function: columns as lists, decoded as ``datasets`` would."""
        if "image" not in rows:
            return rows
        single = [{name: values[i] for name, values in rows.items()} for i in range(len(rows["image"]))]
        filled = [row | self.filled(row) for row in single]
        return rows | {name: [row[name] for row in filled] for name in ("image", "depth") if name in rows}

    def filled(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of a row that hold pictures."""
        if "frame_id" in row:
            return self._frame(row)
        missing = [name for name in ("source", "scene_id", "frame_ids", "objects") if name not in row]
        if missing:
            raise InputError(f"attach_images: the rows lack the column {missing[0]!r}, which tells where pictures are")
        views = self._views.get(row["source"])
        if views is None or all(image is not None for image in row["image"]):
            return {"image": row["image"]}
        entries: Sequence[EncodedImage | None] = [
            views.image(row["source"], row["scene_id"], frame_id) for frame_id in row["frame_ids"]
        ]
        if ("id" in row if self._markers is None else self._markers) and None not in entries:
            entries = with_markers(row, [(entry["bytes"], _decoded(entry)) for entry in entries if entry])
        return {"image": [_decoded(entry) for entry in entries]}

    def _frame(self, row: Mapping[str, Any]) -> dict[str, Any]:
        views = self._views.get(row["source"])
        key = row["source"], row["scene_id"], row["frame_id"]
        if views is None:
            return {}
        return {
            "image": row["image"] or _decoded(views.image(*key)),
            "depth": row["depth"] or _decoded(views.depth(*key)),
        }


def _decoded(entry: EncodedImage | None) -> Any:
    """The picture; None for an empty place."""
    return Image.open(BytesIO(entry["bytes"])) if entry else None
