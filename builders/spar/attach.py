"""Pictures put back into rows that only refer to them (scans whose licence forbids passing pixels on)."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, TypeVar

import datasets
from PIL import Image

from builders.errors import InputError
from builders.scenes import open_source
from builders.scenes.scene import SceneSource
from builders.spar.pictures import Pictures

_KEPT_SCENES = 8

AnyDataset = TypeVar("AnyDataset", datasets.Dataset, datasets.IterableDataset)


def attach_images(dataset: AnyDataset, *sources: str) -> AnyDataset:
    """The dataset with ``image`` filled from your own copy of the scans, markers drawn in.

    Pictures are read when rows are read, not before; rows of other sources and rows with pictures pass unchanged.

    Args:
        dataset: rows of spar_bench with referenced pictures, in memory or streamed.
        sources: ``NAME=ROOT`` as ``scripts/build.py --source`` takes it.

    Raises:
        InputError: a source cannot be opened, none of them is a source of the rows, or (when a row is read) one lacks
            the row's scene.
        SceneError: a scene or a frame cannot be read.

    Example (needs scans)::

        bench = attach_images(load_dataset("org/SPAR-Bench", split="test"), "scannet=/data/scannet/scans")
        bench[0]["image"][0].show()
    """
    reader = _RowReader([open_source(spec) for spec in sources])
    if isinstance(dataset, datasets.IterableDataset):
        return dataset.map(lambda row: {"image": reader.images(row)}, features=dataset.features)
    if "source" in dataset.column_names:
        held = dataset.unique("source")
        if not reader.names & set(held):
            raise InputError(f"attach_images: the rows come from {', '.join(held)}; give one of these as NAME=ROOT")
    return dataset.with_transform(reader.batch)


class _RowReader:
    """Fills the ``image`` column; keeps the scenes used last: loading one costs more than reading its pictures."""

    def __init__(self, sources: Sequence[SceneSource]):
        self._sources = {source.name: source for source in sources}
        self._scenes: OrderedDict[tuple[str, str], Pictures] = OrderedDict()

    @property
    def names(self) -> set[str]:
        return set(self._sources)

    def batch(self, rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """A ``with_transform`` function: columns as lists, decoded as ``datasets`` would."""
        if "image" not in rows:
            return rows
        single = ({name: values[i] for name, values in rows.items()} for i in range(len(rows["image"])))
        return rows | {"image": [self.images(row) for row in single]}

    def images(self, row: Mapping[str, Any]) -> list[Image.Image]:
        missing = [name for name in ("source", "scene_id", "frame_ids", "objects") if name not in row]
        if missing:
            raise InputError(f"attach_images: the rows lack the column {missing[0]!r}, which tells where pictures are")
        if row["source"] not in self._sources or all(image is not None for image in row["image"]):
            return row["image"]
        pictures = self._pictures(row["source"], row["scene_id"])
        return [Image.open(BytesIO(entry["bytes"])) for entry in pictures.of_row(row)]

    def _pictures(self, name: str, scene_id: str) -> Pictures:
        key = name, scene_id
        if key not in self._scenes:
            source = self._sources[name]
            self._scenes[key] = Pictures(source, source.load(scene_id))
            if len(self._scenes) > _KEPT_SCENES:
                self._scenes.popitem(last=False)
        self._scenes.move_to_end(key)
        return self._scenes[key]
