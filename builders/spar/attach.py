"""Pictures put back into rows that only refer to them (scans whose licence forbids passing pixels on)."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, TypeVar

import datasets
from PIL import Image

from builders.errors import InputError
from builders.scenes import open_source
from builders.scenes.scene import Scene, SceneSource
from builders.spar.pictures import Pictures

AnyDataset = TypeVar("AnyDataset", datasets.Dataset, datasets.IterableDataset)


def attach_images(dataset: AnyDataset, source: str) -> AnyDataset:
    """The dataset with ``image`` filled from your own copy of the scans, markers drawn in.

    Pictures are read when rows are read, not before; rows of other sources and rows with pictures pass unchanged.

    Args:
        dataset: rows of spar_bench with referenced pictures, in memory or streamed.
        source: ``NAME=ROOT`` as ``scripts/build.py --source`` takes it.

    Raises:
        InputError: the source cannot be opened, or (when a row is read) does not hold one of its scenes.
        SceneError: a scene or a frame cannot be read.

    Example (needs scans)::

        bench = attach_images(load_dataset("org/SPAR-Bench", split="test"), "scannet=/data/scannet/scans")
        bench[0]["image"][0].show()
    """
    reader = _RowReader(open_source(source))
    if isinstance(dataset, datasets.IterableDataset):
        return dataset.map(lambda row: {"image": reader.images(row)})
    return dataset.with_transform(reader.batch)


class _RowReader:
    """Fills the ``image`` column; keeps the last scene open, since rows of a scene stand together."""

    def __init__(self, source: SceneSource):
        self._source = source
        self._scene: Scene | None = None
        self._pictures: Pictures | None = None

    def batch(self, rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """A ``with_transform`` function: columns as lists, decoded as ``datasets`` would."""
        count = len(next(iter(rows.values())))
        if "image" in rows:
            single = ({name: values[i] for name, values in rows.items()} for i in range(count))
            rows = {**rows, "image": [self.images(row) for row in single]}
        return rows

    def images(self, row: Mapping[str, Any]) -> list[Image.Image]:
        missing = [name for name in ("source", "scene_id", "frame_ids", "objects") if name not in row]
        if missing:
            raise InputError(f"attach_images: the rows lack the column {missing[0]!r}, which tells where pictures are")
        if row["source"] != self._source.name or all(image is not None for image in row["image"]):
            return row["image"]
        if self._scene is None or self._scene.scene_id != row["scene_id"]:
            self._scene = self._source.load(row["scene_id"])
            self._pictures = Pictures(self._source, self._scene)
        assert self._pictures is not None
        return [Image.open(BytesIO(entry["bytes"])) for entry in self._pictures.of_row(row)]
