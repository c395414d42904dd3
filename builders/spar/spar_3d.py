"""Boxes and maps in words: what the SPAR paper tests with beside its datasets (sections 3.5, 4.3 and 4.4).

Configs: ``grounding`` (the 3D box of an object that the question names or describes), ``scanrefer`` (of one that an
annotator describes; needs a file of annotations), ``bev`` (positions on a bird's-eye map), ``frames`` and ``objects``;
splits ``train`` and ``validation`` by scene. Rows carry their cameras and gold boxes: ``recipes/grounding.py`` and
``recipes/bev.py`` score answers with nothing but the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import datasets
from datasets import Features, List, Value

from builders.errors import InputError
from builders.hub.dataset import SceneRef
from builders.spar.frame_tables import ALIGNED_OBJECT_FEATURES, WITHOUT_QUESTIONS, stored_aligned_box
from builders.spar.records import SceneRecord
from builders.spar.rows import SPAR_FEATURES
from builders.spar.scanrefer import Annotations, read_annotations
from builders.spar.spar_7m import ALL_TASKS, Spar7M, Spar7MConfig
from builders.spar.tasks import TASKS_3D
from builders.spar.tasks.grounding import SCANREFER, annotated
from builders.spar.tasks.task import Task

VERSION = "0.1.0"
"""Of the dataset: bump it when rows change. Feeds configs, manifest and Hub tag."""

_MATRICES = List(List(List(Value("float64"))))

ROW_FEATURES = Features(SPAR_FEATURES | {
    "intrinsics": _MATRICES,
    "world_from_camera": _MATRICES,
    "width": List(Value("int64")),
    "height": List(Value("int64")),
    "box_centers": List(List(Value("float64"))),
    "box_extents": List(List(Value("float64"))),
    "referred_by": Value("string"),
    "anchor": Value("string"),
    "annotation": Value("string"),
    "same_label": Value("int64"),
})
"""Cameras are parallel to ``frame_ids``, boxes to ``objects``."""


@dataclass
class Spar3DConfig(Spar7MConfig):
    """What the dataset is made from. Every field is written to the manifest, files as their hashes."""

    known_tasks: ClassVar[Mapping[str, Task]] = TASKS_3D
    annotations: str = ""
    """JSON file of descriptions in the format of ScanRefer, for config ``scanrefer``; each is asked once."""
    only: str = ""
    """The one config that ``--config`` writes; known here so that nothing is built for one that stays empty."""

    def check(self) -> None:
        super().check()
        if self.balance:
            raise InputError("balance: nothing that spar_3d asks has a heuristic tag")
        if not read_annotations(self.annotations).of_scene and "scanrefer" in (self.only, *self.tasks.split(",")):
            raise InputError("scanrefer needs --set annotations=FILE, such as ScanRefer_filtered_val.json")

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Features | None = None) -> str:
        sha256 = read_annotations(self.annotations).sha256
        return super().create_config_id(config_kwargs | ({"annotations": sha256} if sha256 else {}), custom_features)


class Spar3D(Spar7M):
    """A Hub folder by ``scripts/build.py``, or any ``datasets`` builder; see ``Spar7M``."""

    VERSION = datasets.Version(VERSION)
    BUILDER_CONFIG_CLASS = Spar3DConfig
    BUILDER_CONFIGS = [Spar3DConfig(name=name, version=VERSION) for name in (ALL_TASKS, *TASKS_3D, *WITHOUT_QUESTIONS)]
    CONFIG_NAMES = (*TASKS_3D, *WITHOUT_QUESTIONS)
    ROWS = ROW_FEATURES
    OBJECTS = ALIGNED_OBJECT_FEATURES
    VIDEO = False
    config: Spar3DConfig

    @property
    def asked_tasks(self) -> list[Task]:
        return [task for task in super().asked_tasks if task is not SCANREFER or self.annotations.of_scene]

    def asked_of(self, ref: SceneRef) -> list[tuple[Task, str, int]]:
        """Of templates as many rows as wanted, of annotations all."""
        given = self.annotations.of_scene.get(ref.scene_id, ())
        return [(annotated(given), form, len(given)) if task is SCANREFER else (task, form, wanted)
                for task, form, wanted in super().asked_of(ref)]

    def expectation(self) -> str:
        given = sum(len(self.annotations.of_scene.get(ref.scene_id, ())) for ref in self.refs)
        asked = [(task, form) for task, form in self.asked_forms if task is not SCANREFER]
        return (f"expected at most {len(self.refs) * len(asked) * self.config.max_per_task + given} rows: "
                f"{len(self.refs)} scenes x {len(asked)} formats of tasks x {self.config.max_per_task} rows "
                f"(max_per_task), and {given} annotations")

    def own_columns(self, row: Mapping[str, Any], record: SceneRecord) -> dict[str, Any]:
        frames = [record.image_of_frame[frame_id].frame for frame_id in row["frame_ids"]]
        boxes = [stored_aligned_box(record, item["object_id"]) for item in row["objects"]]
        return {
            "intrinsics": [frame.intrinsics.tolist() for frame in frames],
            "world_from_camera": [frame.world_from_camera.tolist() for frame in frames],
            "width": [frame.width for frame in frames],
            "height": [frame.height for frame in frames],
            "box_centers": [box["aligned_center"] for box in boxes],
            "box_extents": [box["aligned_extents"] for box in boxes],
            **{name: row.get(name, "") for name in ("referred_by", "anchor", "annotation")},
        }

    def part_spec(self, ref: SceneRef) -> dict[str, Any]:
        return super().part_spec(ref) | {"annotations": [*map(tuple, self.annotations.of_scene.get(ref.scene_id, ()))]}

    def settings(self) -> dict[str, Any]:
        given = self.annotations
        built = {ref.scene_id for ref in self.refs}
        about = {
            "sha256": given.sha256,
            "entries": len(given),
            "of_scenes_not_built": sum(len(held) for name, held in given.of_scene.items() if name not in built),
        }
        return super().settings() | {"annotations": about if given.sha256 else None}

    @property
    def annotations(self) -> Annotations:
        return read_annotations(self.config.annotations)
