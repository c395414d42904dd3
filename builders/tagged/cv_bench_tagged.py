"""CV-Bench, every Depth question tagged ``consistent``, ``counter`` or ``ambiguous`` (Why Far Looks Up, section 3.1):
does the farther of the two objects stand higher in the image?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import datasets
import pyarrow as pa

from builders.errors import InputError
from builders.tagged import cv_bench
from builders.tagged.builder import TaggedBuilder, TaggedConfig
from builders.tagged.cv_bench_boxes import WAYS, boxes_of, in_words, readings, source_of
from builders.tagged.files import Raw
from builders.tagged.policies import PAIR, Outcome, compare
from builders.tagged.sources import Published
from builders.tagged.supply import PublishedRows, RowForm, Supply
from builders.tagged.tagging import Tagging, reasons, tag_counts

VERSION = "0.1.0"
"""Of the dataset: bump it when rows or tags change. Feeds configs, manifest and Hub tag."""

PUBLISHED = Published(
    "CV-Bench", "nyu-visionx/CV-Bench", ("test*.parquet",),
    "CV-Bench: Apache-2.0, as its card says; its images come from ADE20K, COCO and Omni3D and keep their terms.")

PAPER_COUNTS = {"consistent": 363, "counter": 65, "ambiguous": 172}
"""Why Far Looks Up, table 1: CV-Bench-3D, Depth."""

_UNTAGGED_TASKS = {"distance": "compares_distances_to_a_third_object"}
"""Why other tasks have no tag: two objects compared by their distance to a third one say nothing of the camera."""


@dataclass
class CVBenchConfig(TaggedConfig):
    """What the dataset is made from."""

    boxes_from: str = "checked"
    """``checked``: the column bbox where it lies on the rectangles in the picture, the rectangles where there is no
    column; ``column`` or ``rectangles``: the one or the other alone."""
    rectangle_tolerance: float = 6.0
    """Pixels by which an edge of the column's box may lie off the drawn line: lines are several pixels thick (open)."""

    def check(self) -> None:
        super().check()
        if self.boxes_from not in WAYS:
            raise InputError(f"boxes_from={self.boxes_from}: expected one of {', '.join(WAYS)}")
        if not 0 <= self.rectangle_tolerance < float("inf"):
            raise InputError(f"rectangle_tolerance={self.rectangle_tolerance}: expected a number of 0 or more")


class CVBenchTagged(TaggedBuilder):
    """CV-Bench with a consistent, counter or ambiguous tag on every Depth question."""

    VERSION = datasets.Version(VERSION)
    BUILDER_CONFIG_CLASS = CVBenchConfig
    BUILDER_CONFIGS = [CVBenchConfig(name=name, version=VERSION) for name in TaggedBuilder.CONFIG_NAMES]
    FEATURES = cv_bench.FEATURES
    MEASURED = {"width": pa.int64(), "height": pa.int64(), "red": pa.list_(pa.float64()),
                "blue": pa.list_(pa.float64())}
    KIND = "task"
    config: CVBenchConfig

    @cached_property
    def supply(self) -> Supply:
        form = RowForm(cv_bench.NEEDED, cv_bench.FEATURES, self.KIND, cv_bench.published_row, cv_bench.measured)
        return PublishedRows(self.config.sources[0], self.name, PUBLISHED, form)

    @property
    def policy(self) -> str:
        return PAIR

    @property
    def paper_counts(self) -> Mapping[str, int]:
        return PAPER_COUNTS

    def options(self, row: Mapping[str, Any]) -> list[str]:
        return [f"({chr(ord('A') + number)}) {option}" for number, option in enumerate(row["choices"] or [])]

    def tag(self, rows: Sequence[Raw]) -> Tagging:
        tolerance = self.config.rectangle_tolerance
        times = Counter(row["idx"] for row in rows)
        depth = [row for row in rows if cv_bench.is_depth(row)]
        found = [cv_bench.problem_of(row, times[row["idx"]]) for row in depth]
        read = readings(depth, tolerance)
        for source, (reading, votes) in read.items():
            if votes and reading is None and self.config.boxes_from != "rectangles":
                raise InputError(f"the layout of the column bbox of {source} cannot be told: it lies on as many "
                                 f"rectangles as {' and as '.join(votes)}; leave the column aside with --set "
                                 "boxes_from=rectangles")
        compared: Counter[str] = Counter()
        by_way: dict[str, list[Outcome]] = {way: [] for way in WAYS}
        for row, problem in zip(depth, found, strict=True):
            reading, _ = read[source_of(row)]
            for way in WAYS:
                boxes, said = boxes_of(row, reading, way, tolerance)
                question = cv_bench.depth_question(row, boxes, problem)
                by_way[way].append(compare(question, question.others))
            compared[said] += 1
        chosen = iter(by_way[self.config.boxes_from])
        of_rows = [next(chosen) if cv_bench.is_depth(row) else Outcome(reason=_why_not(row)) for row in rows]
        return Tagging(
            of_rows, self.config.boxes_from, {way: tag_counts(held) for way, held in by_way.items()},
            reasons([row["task"] or "" for row in rows], of_rows),
            dict(sorted(Counter(problem for problem in found if problem).items())),
            {"rectangles": dict(compared.most_common()),
             "bbox_readings": {source: {"read_as": in_words(reading), "lies_on_rectangles_as": votes}
                               for source, (reading, votes) in read.items()}})


def _why_not(row: Raw) -> str:
    return _UNTAGGED_TASKS.get((row["task"] or "").lower(), "not_about_depth")
