"""SPAR-7M: spatial questions of every task and format, for training, with the cameras and boxes they come from.

Configs: one per task, plus ``frames`` and ``objects``; splits ``train`` and ``validation`` by scene. Pictures are the
source's bytes; markers are data (``builders.draw_markers`` draws them).
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builders.errors import InputError, SceneError
from builders.hub.dataset import ROWS, Candidates, ReadTable, SceneRef, SceneReport, Selection
from builders.hub.samples import Sample, plain_sample
from builders.scenes.scene import SceneSource
from builders.spar.config import SparBuilder, SparConfig
from builders.spar.frame_tables import (
    FRAME_FEATURES,
    OBJECT_FEATURES,
    WITHOUT_QUESTIONS,
    frame_table,
    object_table,
    with_pictures,
)
from builders.spar.markers import draw_markers
from builders.spar.records import SceneRecord
from builders.spar.rows import SPAR_FEATURES
from builders.spar.scenes_to_rows import answers, scene_rows
from builders.spar.tasks import TASKS
from builders.spar.tasks.task import Task

logger = logging.getLogger(__name__)

VERSION = "0.1.0"
"""Of the dataset: bump it when rows change. Feeds configs, manifest and Hub tag."""

ROW_FEATURES = datasets.Features(SPAR_FEATURES)
SPLITS = ("train", "validation")
FORMATS = ("fill", "select", "sentence", "judge")
BALANCES = ("", "heuristic")
ALL_TASKS = "all"
"""Builder config that holds the rows of every task; a Hub folder has a config per task instead."""


@dataclass
class Spar7MConfig(SparConfig):
    """What the dataset is made from. Every field is written to the manifest."""

    max_per_task: int = 30
    """Rows of one scene, task and format at most; scenes then weigh about the same (open)."""
    tasks: str = ""
    """Only these tasks, separated by commas; empty: all."""
    formats: str = ""
    """Only these formats (fill, select, sentence, judge), separated by commas; empty: all that a task has."""
    known_tasks: ClassVar[Mapping[str, Task]] = TASKS
    """Those of the dataset."""
    balance: str = ""
    """``heuristic``: as many rows consistent with "higher is farther" as counter to it, in each task, format and scene
    (the training mix that Why Far Looks Up asks for); empty: as they come."""

    def check(self) -> None:
        super().check()
        if self.max_per_task < 1:
            raise InputError("max_per_task: expected at least 1")
        if self.balance not in BALANCES:
            raise InputError(f"balance: expected heuristic, or nothing, got {self.balance!r}")
        unknown = [name for name in self.tasks.split(",") if name and name not in self.known_tasks]
        if unknown:
            raise InputError(f"tasks: {unknown[0]!r} is unknown; choose from {', '.join(self.known_tasks)}")
        unknown = [name for name in self.formats.split(",") if name and name not in FORMATS]
        if unknown:
            raise InputError(f"formats: {unknown[0]!r} is unknown; choose from {', '.join(FORMATS)}")


class Spar7M(SparBuilder):
    """A Hub folder by ``scripts/build.py``, or, as any ``datasets`` builder,
    ``Spar7M(config_name="depth_prediction_oc", sources=("scannet=/data/scans",)).as_streaming_dataset(split="train")``:
    the config name is a task, ``frames``, ``objects``, or ``all`` for the rows of every task."""

    VERSION = datasets.Version(VERSION)
    BUILDER_CONFIG_CLASS = Spar7MConfig
    BUILDER_CONFIGS = [Spar7MConfig(name=name, version=VERSION) for name in (ALL_TASKS, *TASKS, *WITHOUT_QUESTIONS)]
    DEFAULT_CONFIG_NAME = ALL_TASKS
    CONFIG_NAMES = (*TASKS, *WITHOUT_QUESTIONS)
    REPEATING = ()
    INDEX_COLUMNS: Mapping[str, tuple[str, ...]] = {
        ROWS: ("uid", "task"), "frames": ("frame_id",), "objects": ("object_id",)}
    ROWS: datasets.Features = ROW_FEATURES
    OBJECTS: datasets.Features = OBJECT_FEATURES
    VIDEO = True
    """Whether questions show videos, too."""
    config: Spar7MConfig

    def _info(self) -> datasets.DatasetInfo:
        self.config.check()
        features = self.config_features(self.config.name)
        return datasets.DatasetInfo(features=features, description=__doc__, version=self.VERSION)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        scenes = {split: [ref for ref in self.refs if self._split(ref) == split] for split in SPLITS}
        return [datasets.SplitGenerator(name=split, gen_kwargs={"scenes": refs})
                for split, refs in scenes.items() if refs]

    def _generate_tables(self, scenes: list[SceneRef]) -> Iterator[tuple[tuple[int, int], pa.Table]]:
        for ref in scenes:
            try:
                tables, _ = self.build_scene(ref)
            except SceneError as error:
                logger.warning("%s: left out: %s", ref.name, error)
                continue
            table = tables[_table_of(self.config.name)]
            if "uid" in table.column_names:
                table = table.filter(pc.invert(pc.is_in(table["uid"], pa.array(self.reviewed.rejected, pa.string()))))
            for number, finished in enumerate(self._finished(self.config.name, [table], tables["frames"])):
                yield (self.refs.index(ref), number), finished

    def usable(self, source: SceneSource, scene_id: str) -> bool:
        return self.split_of(source, scene_id) in SPLITS

    def none_usable(self, known: int) -> str:
        return f"all of its {known} scenes are in the test split, from which spar_7m takes nothing"

    def chosen_by(self) -> str:
        return " in the train and validation splits"

    def expectation(self) -> str:
        forms = len(self.asked_forms)
        return (f"expected at most {len(self.refs) * forms * self.config.max_per_task} rows: {len(self.refs)} scenes x "
                f"{forms} formats of {len(self.asked_tasks)} tasks x {self.config.max_per_task} rows (max_per_task)")

    def config_features(self, config: str) -> datasets.Features:
        return {"frames": FRAME_FEATURES, "objects": self.OBJECTS}.get(config, self.ROWS)

    def part_spec(self, ref: SceneRef) -> dict[str, Any]:
        return self.shared_part_spec(ref) | {
            "max_per_task": self.config.max_per_task,
            "balance": self.config.balance,
            "asked": [(task.name, form) for task, form in self.asked_forms],
        }

    def build_scene(self, ref: SceneRef) -> tuple[dict[str, pa.Table], SceneReport]:
        """Questions (their pictures left in ``frames``), frames and objects of one scene."""
        made = scene_rows(self, ref, self.asked_of(ref), self.VIDEO, even_tags=self.config.balance == "heuristic")
        order = {name: number for number, name in enumerate(self.config.known_tasks)}
        rows = sorted(made.rows, key=lambda row: (order[row["task"]], row["frame_ids"]))  # neighbours share pictures
        for row in rows:
            row["image"] = []
            row |= self.own_columns(row, made.record)
        source = self.open(ref.spec)
        dropped = Counter(made.report.dropped)
        tables = {
            "objects": object_table(made, self.OBJECTS),
            "frames": frame_table(made, source, self.embeds(source), dropped),
            ROWS: pa.Table.from_pylist(rows, schema=self.ROWS.arrow_schema),
        }
        return tables, replace(made.report, dropped=dict(dropped))

    def asked_of(self, ref: SceneRef) -> list[tuple[Task, str, int]]:
        """(task, format, rows wanted at most) of one scene."""
        return [(task, form, self.config.max_per_task) for task, form in self.asked_forms]

    def own_columns(self, row: Mapping[str, Any], record: SceneRecord) -> dict[str, Any]:
        """What a row has beside the columns of every SPAR dataset."""
        return {}

    def select(self, parts: Sequence[Candidates]) -> list[Selection]:
        """Every row that no reviewer has rejected, by task and split."""
        picks: dict[tuple[str, str], list[tuple[int, NDArray[np.int32]]]] = {}
        for number, (part, (rows, published)) in enumerate(zip(parts, self.not_rejected(parts), strict=True)):
            split = self._split(part.ref)
            tasks = rows["task"].combine_chunks().dictionary_encode()
            codes = tasks.indices.to_numpy(zero_copy_only=False)[published]
            chosen = {name: published[codes == code] for code, name in enumerate(tasks.dictionary.to_pylist())}
            chosen |= {name: np.arange(len(part.tables[name]), dtype=np.int32) for name in WITHOUT_QUESTIONS}
            for config, numbers in chosen.items():
                if len(numbers):
                    picks.setdefault((config, split), []).append((number, numbers))
        return [Selection(config, split, picks[config, split], _table_of(config))
                for config in self.CONFIG_NAMES for split in SPLITS if (config, split) in picks]

    def finish(
        self, config: str, tables: Iterable[pa.Table], first_row: int, read: ReadTable
    ) -> Iterator[pa.Table]:
        frames = read("frames", ["frame_id", "image"]) if _table_of(config) == ROWS else None
        yield from self._finished(config, tables, frames)

    def _finished(self, config: str, tables: Iterable[pa.Table], frames: pa.Table) -> Iterator[pa.Table]:
        if _table_of(config) == ROWS:
            yield from with_pictures(tables, frames)
        else:
            yield from tables

    def tally(self, table: pa.Table) -> Counter[tuple[str, ...]]:
        return answers(table)

    def sample(self, row: Mapping[str, Any]) -> Sample:
        """With its markers drawn in, if the dataset holds its pictures."""
        plain = plain_sample(row)
        return replace(plain, views=draw_markers(plain.views, row["objects"])) if plain.views else plain

    def settings(self) -> dict[str, Any]:
        return self.shared_settings() | {
            "max_per_task": self.config.max_per_task,
            "balance": self.config.balance,
            "tasks": [task.name for task in self.asked_tasks],
            "formats": sorted({form for _, form in self.asked_forms}),
        }

    def manifest_extras(self, selections: Sequence[Selection], parts: Sequence[SceneRef]) -> dict[str, Any]:
        """Which scenes are in which split, and by which rule."""
        held: dict[str, set[str]] = {split: set() for split in SPLITS}
        for selection in selections:
            held[selection.split] |= {parts[number].name for number, _ in selection.picks}
        both = sorted(held["train"] & held["validation"])
        if both:
            raise AssertionError(f"{both[0]}: in both splits")
        sources = map(self.open, self.config.sources)
        return super().manifest_extras(selections, parts) | {"splits": {
            "rules": {source.name: source.split_rule for source in sources},
            "scenes": {split: len(names) for split, names in held.items()},
            "scenes_in_both": both,
        }}

    def _split(self, ref: SceneRef) -> str:
        return self.split_of(self.open(ref.spec), ref.scene_id)

    @property
    def asked_tasks(self) -> list[Task]:
        """The tasks asked: those of the setting, and in a config of one task that one alone."""
        known = self.config.known_tasks
        names = [name for name in self.config.tasks.split(",") if name] or list(known)
        return [task for name, task in known.items() if name in names and self.config.name in (ALL_TASKS, name)]

    @property
    def asked_forms(self) -> list[tuple[Task, str]]:
        """The tasks in the formats asked."""
        names = [name for name in self.config.formats.split(",") if name] or FORMATS
        return [(task, form) for task in self.asked_tasks for form in task.formats if form in names]


def _table_of(config: str) -> str:
    """Which table of a part a config is taken from."""
    return config if config in WITHOUT_QUESTIONS else ROWS
