"""SPAR-Bench: spatial questions in published form, up to 400 per task, from scenes the models have not been trained on.

Columns: the published eight first, in published order and type, then ours (``builders.spar.rows``). Tasks: every entry
of the registry that has a benchmark format.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import datasets
import pyarrow as pa

from builders.errors import InputError, SceneError
from builders.hub.dataset import SceneRef, SceneReport, Selection
from builders.scenes import open_source
from builders.scenes.scene import SceneSource
from builders.spar.limits import Limits
from builders.spar.pictures import Pictures
from builders.spar.records import build_record
from builders.spar.rows import BENCH_FEATURES, task_rows
from builders.spar.tasks import BENCH_TASKS

logger = logging.getLogger(__name__)

VERSION = "0.1.0"
"""Of the dataset: bump it when rows change. Feeds configs, manifest and Hub tag."""

BENCH_SCENES = ("validation", "all")

_SPARE = 1.5
"""Candidate rows made per row wanted, so that rich scenes can stand in for poor ones."""


@dataclass
class SparBenchConfig(datasets.BuilderConfig):
    """What the benchmark is made from. Every field is written to the manifest."""

    sources: tuple[str, ...] = ("procedural",)
    """``NAME`` or ``NAME=ROOT``, see ``builders.scenes.SOURCES``."""
    scenes: int = 0
    """At most this many scenes of each source; 0: all (procedural rooms: 6)."""
    scene_ids: tuple[str, ...] = ()
    """Only these scenes."""
    bench_scenes: str = "validation"
    """``validation``: scenes of the official validation split only; ``all``: any scene."""
    per_task: int = 400
    """Questions per task (SPAR, section 3.4)."""
    tiny_per_task: int = 50
    """Questions per task in config ``tiny``."""
    seed: int = 0
    renderer: str = "cycles"
    """For procedural rooms: ``cycles`` or ``raycast``."""
    pixels: str = "auto"
    """``embedded``, ``referenced`` (frame ids only), or ``auto``: embedded where pixels may be passed on."""
    limits: Limits = field(default_factory=Limits)

    def check(self) -> None:
        """Raise ``InputError`` for a value out of its range. (Not ``__post_init__``: datasets sets fields later.)"""
        if self.bench_scenes not in BENCH_SCENES:
            raise InputError(f"bench_scenes: expected one of {', '.join(BENCH_SCENES)}, got {self.bench_scenes!r}")
        if self.pixels not in ("auto", "embedded", "referenced"):
            raise InputError(f"pixels: expected auto, embedded or referenced, got {self.pixels!r}")
        if self.per_task < 1 or self.tiny_per_task < 1:
            raise InputError("per_task and tiny_per_task: expected at least 1")


class SparBench(datasets.ArrowBasedBuilder):
    """``SparBench(sources=("scannet=/data/scans",)).as_streaming_dataset(split="test")``, or a Hub folder by
    ``scripts/build.py``, which takes rows from the scenes in turns instead of in order."""

    VERSION = datasets.Version(VERSION)
    BUILDER_CONFIG_CLASS = SparBenchConfig
    BUILDER_CONFIGS = [SparBenchConfig(name="default", version=VERSION)]
    DEFAULT_CONFIG_NAME = "default"
    CONFIG_NAMES = ("default", "tiny")
    INDEX_COLUMNS = ("task", "frame_ids")
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
                table, _ = self.build_scene(ref)
            except SceneError as error:
                logger.warning("%s: left out: %s", ref.name, error)
                continue
            made: Counter[str] = Counter()
            keep = []
            for row, task in enumerate(table["task"].to_pylist()):
                made[task] += 1
                if made[task] <= quota:
                    keep.append(row)
            number = self.refs.index(ref)
            first_id = number * quota * len(BENCH_TASKS)
            yield number, self.finish(table.take(pa.array(keep, pa.int64())), first_id)

    @cached_property
    def refs(self) -> list[SceneRef]:
        """The scenes the benchmark is made from, in order; the same in every process."""
        refs = []
        for spec in self.config.sources:
            source = self._open(spec)
            known = source.scene_ids()
            wanted = [i for i in known if not self.config.scene_ids or i in self.config.scene_ids]
            if self.config.bench_scenes == "validation":
                chosen = [i for i in wanted if source.split(i) == "validation"]
                if wanted and not chosen:
                    raise InputError(f"{source.name}: none of its {len(wanted)} scenes is in the validation split; "
                                     "add --set bench_scenes=all to use the others")
            else:
                chosen = wanted
            limit = self.config.scenes or source.default_scenes or len(chosen)
            refs += [SceneRef(spec, source.name, i) for i in chosen[:limit]]
        missing = sorted(set(self.config.scene_ids) - {ref.scene_id for ref in refs})
        if missing:
            raise InputError(f"no scene {missing[0]!r} to build (bench_scenes={self.config.bench_scenes}, "
                             f"sources: {', '.join(self.config.sources)})")
        return refs

    def part_spec(self, ref: SceneRef) -> dict[str, Any]:
        """Everything the rows of one scene depend on; a part is reused while this stays equal."""
        source = self._open(ref.spec)
        return {
            "dataset": self.name,
            "version": VERSION,
            "seed": self.config.seed,
            "source": ref.source,
            "scene": ref.scene_id,
            "input": source.fingerprint(ref.scene_id),
            "embedded": self._embeds(source),
            "candidates": self._candidates,
            "limits": asdict(self.config.limits),
            "tasks": {t.name: t.bench_format for t in BENCH_TASKS.values()},
        }

    def build_scene(self, ref: SceneRef) -> tuple[pa.Table, SceneReport]:
        """Candidate rows of one scene, task by task.

        Raises:
            SceneError: the scene cannot be used.
        """
        source = self._open(ref.spec)
        scene = source.load(ref.scene_id)
        record = build_record(scene, self.config.limits)
        pictures, embeds = Pictures(source, scene), self._embeds(source)
        seed = (self.name, VERSION, self.config.seed)
        rejected: dict[str, dict[str, int]] = {}
        tables = []
        for task in BENCH_TASKS.values():
            counter: Counter[str] = Counter()
            rows = list(
                task_rows(task, task.bench_format, record, self.config.limits, self._candidates, seed, counter)
            )
            for row in rows:
                row["id"] = 0
                for frame_id in row["frame_ids"]:
                    pictures.check(frame_id)  # a broken picture is no better for being referenced
                row["image"] = pictures.of_row(row) if embeds else [None] * len(row["frame_ids"])
            tables.append(pa.Table.from_pylist(rows, schema=BENCH_FEATURES.arrow_schema))
            rejected[task.name] = dict(counter)
        report = SceneReport(
            frames_read=record.frames_read,
            keyframes=len(record.stills),
            objects=len(record.objects),
            visibility_basis=record.visibility_basis,
            dropped=dict(scene.dropped),
            unseen=dict(record.unseen),
            rejected=rejected,
        )
        return self.finish(pa.concat_tables(tables), 0), report

    def select(self, index: pa.Table) -> list[Selection]:
        """Up to ``per_task`` rows of each task, taken from the scenes in turns; rows of a scene stay together.

        Args:
            index: one row per candidate: ``part``, ``row`` and ``INDEX_COLUMNS``.
        """
        candidates = index.to_pylist()
        turn: Counter[tuple[int, str]] = Counter()
        for candidate in candidates:
            candidate["turn"] = turn[candidate["part"], candidate["task"]]
            turn[candidate["part"], candidate["task"]] += 1
        candidates.sort(key=lambda c: (c["turn"], c["part"]))
        selections = []
        for config, per_task in (("default", self.config.per_task), ("tiny", self.config.tiny_per_task)):
            taken: Counter[str] = Counter()
            chosen = []
            for candidate in candidates:
                if taken[candidate["task"]] < min(per_task, self.config.per_task):
                    taken[candidate["task"]] += 1
                    chosen.append(candidate)
            chosen.sort(key=lambda c: (c["part"], c["frame_ids"], c["row"]))
            selections.append(Selection(config, "test", [(c["part"], c["row"]) for c in chosen]))
        return selections

    def finish(self, table: pa.Table, first_row: int) -> pa.Table:
        """The table with ``id`` numbered from ``first_row``."""
        ids = pa.array(range(first_row, first_row + len(table)), pa.int64())
        return table.set_column(table.schema.get_field_index("id"), table.schema.field("id"), ids)

    def settings(self) -> dict[str, Any]:
        """The configuration as the manifest shows it: every threshold, but no path of this machine."""
        sources = [self._open(spec) for spec in self.config.sources]
        return {
            "sources": [source.name for source in sources],
            "bench_scenes": self.config.bench_scenes,
            "per_task": self.config.per_task,
            "tiny_per_task": self.config.tiny_per_task,
            "seed": self.config.seed,
            "renderer": self.config.renderer if "procedural" in (s.name for s in sources) else None,
            "pixels": {s.name: "embedded" if self._embeds(s) else "referenced" for s in sources},
            "limits": asdict(self.config.limits),
        }

    def licences(self) -> dict[str, str]:
        return {source.name: source.licence for source in map(self._open, self.config.sources)}

    def _open(self, spec: str) -> SceneSource:
        if spec not in self._sources:
            self._sources[spec] = open_source(spec, self.config.seed, self.config.renderer)
        return self._sources[spec]

    @cached_property
    def _sources(self) -> dict[str, SceneSource]:
        return {}

    @property
    def _candidates(self) -> int:
        """Candidate rows per task and scene."""
        return min(self.config.per_task, math.ceil(_SPARE * self.config.per_task / max(1, len(self.refs))))

    def _embeds(self, source: SceneSource) -> bool:
        return self.config.pixels == "embedded" or (self.config.pixels == "auto" and source.redistributable)
