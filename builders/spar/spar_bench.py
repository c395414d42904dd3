"""SPAR-Bench: spatial questions in published form, up to 400 per task, from scenes the models have not been trained on.

Columns: the published eight first, in published order and type, then ours (``builders.spar.rows``). Tasks: every entry
of the registry that has a benchmark format.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from builders.errors import InputError, SceneError
from builders.hub.dataset import ROWS, Candidates, ReadTable, SceneRef, SceneReport, Selection
from builders.hub.samples import Sample, plain_sample
from builders.scenes.scene import SceneSource
from builders.spar.config import SparBuilder, SparConfig
from builders.spar.rgbd import FRAME_SCHEMA, RGBD_FEATURES, depth_table, with_depth
from builders.spar.rows import BENCH_FEATURES
from builders.spar.scenes_to_rows import answers, scene_rows
from builders.spar.tasks import BENCH_TASKS
from builders.spar.tasks.task import Task

DEPTH = "depth"
"""The table of a part that ``builders.spar.rgbd`` makes."""

logger = logging.getLogger(__name__)

VERSION = "0.2.0"
"""Of the dataset: bump it when rows change. Feeds configs, manifest and Hub tag."""

BENCH_SCENES = ("validation", "all")

_SPARE = 1.5
"""Candidate rows made per row wanted, so that rich scenes can stand in for poor ones."""


@dataclass
class SparBenchConfig(SparConfig):
    """What the benchmark is made from. Every field is written to the manifest."""

    bench_scenes: str = "validation"
    """``validation``: scenes of the validation split only; ``all``: any scene."""
    per_task: int = 400
    """Questions per task (SPAR, section 3.4)."""
    tiny_per_task: int = 50
    """Questions per task in config ``tiny``."""
    rgbd_per_task: int = 50
    """Questions per task in config ``rgbd``, which has those alone whose frames all have depth in the dataset."""
    candidates: int = 0
    """Rows made per task and scene, to choose from; 0: half as many again as an equal share of ``per_task``."""

    def check(self) -> None:
        super().check()
        if self.bench_scenes not in BENCH_SCENES:
            raise InputError(f"bench_scenes: expected one of {', '.join(BENCH_SCENES)}, got {self.bench_scenes!r}")
        if min(self.per_task, self.tiny_per_task, self.rgbd_per_task) < 1:
            raise InputError("per_task, tiny_per_task and rgbd_per_task: expected at least 1")
        if self.candidates < 0:
            raise InputError(f"candidates={self.candidates}: expected 0 or more")


class SparBench(SparBuilder):
    """``SparBench(sources=("scannet=/data/scans",)).as_streaming_dataset(split="test")``, or a Hub folder by
    ``scripts/build.py``, which takes rows from the scenes in turns instead of in order."""

    VERSION = datasets.Version(VERSION)
    BUILDER_CONFIG_CLASS = SparBenchConfig
    BUILDER_CONFIGS = [SparBenchConfig(name="default", version=VERSION)]
    DEFAULT_CONFIG_NAME = "default"
    CONFIG_NAMES = ("default", "tiny", "rgbd")
    REPEATING = ("tiny", "rgbd")
    INDEX_COLUMNS: Mapping[str, tuple[str, ...]] = {ROWS: ("uid", "task", "frame_ids"), DEPTH: ("frame_id",)}
    config: SparBenchConfig

    def _info(self) -> datasets.DatasetInfo:
        self.config.check()
        return datasets.DatasetInfo(features=BENCH_FEATURES, description=__doc__, version=self.VERSION)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        return [datasets.SplitGenerator(name="test", gen_kwargs={"scenes": self.refs})]

    def _generate_tables(self, scenes: list[SceneRef]) -> Iterator[tuple[int, pa.Table]]:
        """The first rows of each task and scene, so many that all scenes together have ``per_task``. A row does not
        depend on which scenes share a shard; ``id`` is unique, and without gaps only in the Hub folder."""
        quota = math.ceil(self.config.per_task / len(self.refs))
        for ref in scenes:
            try:
                table = self.build_scene(ref)[0][ROWS]
            except SceneError as error:
                logger.warning("%s: left out: %s", ref.name, error)
                continue
            uids, tasks = table["uid"].to_pylist(), table["task"].to_pylist()
            made: Counter[str] = Counter()
            keep = []
            for row in sorted(range(len(table)), key=lambda row: _draw(uids[row])):
                if made[tasks[row]] < quota and uids[row] not in self.reviewed.rejected:
                    made[tasks[row]] += 1
                    keep.append(row)
            number = self.refs.index(ref)
            chosen = table.take(pa.array(sorted(keep), pa.int64()))
            yield from ((number, one) for one in _numbered([chosen], number * quota * len(BENCH_TASKS)))

    def usable(self, source: SceneSource, scene_id: str) -> bool:
        return self.config.bench_scenes == "all" or self.split_of(source, scene_id) == "validation"

    def none_usable(self, known: int) -> str:
        return f"none of its {known} scenes is in the validation split; add --set bench_scenes=all to use the others"

    @property
    def asked_tasks(self) -> list[Task]:
        return list(BENCH_TASKS.values())

    def chosen_by(self) -> str:
        return f" with bench_scenes={self.config.bench_scenes}"

    def expectation(self) -> str:
        return (f"expected at most {len(BENCH_TASKS) * self.config.per_task} rows: {len(BENCH_TASKS)} tasks x "
                f"{self.config.per_task} rows, from {len(self.refs)} scenes")

    def config_features(self, config: str) -> datasets.Features:
        return RGBD_FEATURES if config == "rgbd" else BENCH_FEATURES

    def part_spec(self, ref: SceneRef) -> dict[str, Any]:
        return self.shared_part_spec(ref) | {
            "candidates": self._candidates,
            "tasks": {t.name: t.bench_format for t in BENCH_TASKS.values()},
        }

    def build_scene(self, ref: SceneRef) -> tuple[dict[str, pa.Table], SceneReport]:
        """Candidate rows of one scene, task by task, and the depth maps of their frames where pixels are embedded."""
        made = scene_rows(self, ref, ((t, t.bench_format, self._candidates) for t in BENCH_TASKS.values()))
        embeds = self.embeds(self.open(ref.spec))
        rows = sorted(made.rows, key=lambda row: row["frame_ids"])  # neighbours share pictures
        for row in rows:
            row["id"] = 0
            row["image"] = made.pictures.of_row(row) if embeds else [None] * len(row["frame_ids"])
        table = pa.Table.from_pylist(rows, schema=BENCH_FEATURES.arrow_schema)
        depth = depth_table(made, self.open(ref.spec)) if embeds else FRAME_SCHEMA.empty_table()
        return {ROWS: table, DEPTH: depth}, made.report

    def select(self, parts: Sequence[Candidates]) -> list[Selection]:
        """Up to ``per_task`` rows of each task that no reviewer rejected, taken from the scenes in turns; rows of a
        scene stay together."""
        candidates = [
            {"part": number, "row": int(row), "draw": _draw(candidate.pop("uid")), **candidate}
            for number, (table, rows) in enumerate(self.not_rejected(parts))
            for row, candidate in zip(rows, table.take(pa.array(rows)).to_pylist())
        ]
        with_depth_map = [set(part.tables[DEPTH]["frame_id"].to_pylist()) for part in parts]
        turn: Counter[tuple[int, str]] = Counter()
        for candidate in sorted(candidates, key=lambda c: c["draw"]):
            candidate["turn"] = turn[candidate["part"], candidate["task"]]
            turn[candidate["part"], candidate["task"]] += 1
        candidates.sort(key=lambda c: (c["turn"], c["part"]))
        selections = []
        wanted = {"default": self.config.per_task, "tiny": self.config.tiny_per_task, "rgbd": self.config.rgbd_per_task}
        for config, per_task in wanted.items():
            taken: Counter[str] = Counter()
            chosen = []
            for candidate in candidates:
                if config == "rgbd" and not with_depth_map[candidate["part"]].issuperset(candidate["frame_ids"]):
                    continue
                if taken[candidate["task"]] < min(per_task, self.config.per_task):
                    taken[candidate["task"]] += 1
                    chosen.append(candidate)
            chosen.sort(key=lambda c: (c["part"], c["row"]))
            by_part: dict[int, list[int]] = {}
            for candidate in chosen:
                by_part.setdefault(candidate["part"], []).append(candidate["row"])
            selections.append(Selection(config, "test", [(part, np.array(rows)) for part, rows in by_part.items()]))
        return selections

    def finish(
        self, config: str, tables: Iterable[pa.Table], first_row: int, read: ReadTable
    ) -> Iterator[pa.Table]:
        numbered = _numbered(tables, first_row)
        yield from with_depth(numbered, read(DEPTH, FRAME_SCHEMA.names)) if config == "rgbd" else numbered

    def tally(self, table: pa.Table) -> Counter[tuple[str, ...]]:
        return answers(table)

    def sample(self, row: Mapping[str, Any]) -> Sample:
        return plain_sample(row)

    def settings(self) -> dict[str, Any]:
        sizes = ("bench_scenes", "per_task", "tiny_per_task", "rgbd_per_task")
        own = {name: getattr(self.config, name) for name in sizes}
        return self.shared_settings() | own | {"candidates": self._candidates}

    @property
    def _candidates(self) -> int:
        """Candidate rows per task and scene."""
        share = math.ceil(_SPARE * self.config.per_task / max(1, len(self.refs)))
        return self.config.candidates or min(self.config.per_task, share)


def _draw(uid: str) -> int:
    """When a row was made, among those of its scene and task: frames and objects of the first were drawn first."""
    return int(uid.rpartition("/")[2])


def _numbered(tables: Iterable[pa.Table], first_id: int) -> Iterator[pa.Table]:
    """The tables with ``id`` numbered from ``first_id``."""
    for table in tables:
        ids = pa.array(range(first_id, first_id + len(table)), pa.int64())
        yield table.set_column(table.schema.get_field_index("id"), table.schema.field("id"), ids)
        first_id += len(table)
