"""EmbSpatial-Bench, every depth question tagged ``consistent``, ``counter`` or ``ambiguous`` (Why Far Looks Up, section
3.1): does the farther of two objects stand higher in the image?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa

from builders.errors import InputError
from builders.hub.dataset import SceneRef
from builders.hub.files import sha256_of
from builders.tagged import embspatial
from builders.tagged.boxes import decide, parse_formats
from builders.tagged.builder import TaggedBuilder, TaggedConfig
from builders.tagged.files import Raw, open_rows
from builders.tagged.images import decoded_size, encoded
from builders.tagged.policies import POLICIES, Outcome, outcomes
from builders.tagged.procedural import SOURCE, RoomRows
from builders.tagged.sources import Published
from builders.tagged.supply import PublishedRows, RowForm, Supply
from builders.tagged.tagging import Tagging, reasons, tag_counts

VERSION = "0.1.0"
"""Of the dataset: bump it when rows or tags change. Feeds configs, manifest and Hub tag."""

PUBLISHED = Published(
    "EmbSpatial-Bench", "FlagEval/EmbSpatial-Bench", ("*test*.parquet", "embspatial_bench.json"),
    "EmbSpatial-Bench's card says CC BY 4.0; its images come from Matterport3D, ScanNet and AI2-THOR and keep their "
    "terms.",
)


PAPER_COUNTS = {"consistent": 976, "counter": 129, "ambiguous": 101}
"""Why Far Looks Up, table 1."""


@dataclass
class EmbSpatialConfig(TaggedConfig):
    """What the dataset is made from."""

    sources: tuple[str, ...] = (SOURCE,)
    """``hub``, ``hub=REPO``, ``hub=REPO@REVISION``, ``file=PATH``; or ``procedural``: questions of the same form about
    generated rooms."""
    policy: str = "random_distractor"
    """Which of the other objects the answer is compared with, see ``builders.tagged.policies``. Default: one at random
    as in the released code, but drawn by the row's id, so that a row's tag does not depend on the rows before it."""
    seed: int = 0
    """Of ``random_distractor``, and of rooms and their questions."""
    boxes: str = ""
    """File with the boxes of rows that have none (the TSV): the JSON or the Parquet, joined on ``question_id``."""
    box_formats: str = ""
    """``SOURCE=xywh,SOURCE=xyxy`` for sources whose boxes do not tell it; all others are decided by their boxes."""
    box_slack: float = 1.0
    """Pixels by which a box may stick out of its image: some count pixels, some their edges (open)."""
    scenes: int = 0
    """How many rooms; 0: six."""
    scene_ids: tuple[str, ...] = ()
    """These rooms instead."""
    renderer: str = "cycles"
    """Of rooms: ``cycles`` or ``raycast`` (fast, plain)."""
    per_relation: int = 8
    """Questions of each relation about a room, at most (our default)."""
    pictures_per_room: int = 12
    """Pictures of a room that questions choose from, at most (our default)."""

    def check(self) -> None:
        super().check()
        if self.policy not in POLICIES:
            raise InputError(f"policy={self.policy}: expected one of {', '.join(POLICIES)}")
        if not 0 <= self.box_slack < float("inf"):
            raise InputError(f"box_slack={self.box_slack}: expected a number of 0 or more")
        parse_formats(self.box_formats)
        if not self.rooms and self.sources[0].partition("=")[0] not in ("hub", "file"):
            raise InputError(f"--source {self.sources[0]}: expected {SOURCE}, hub, hub=REPO, hub=REPO@REVISION or "
                             "file=PATH")
        if self.per_relation < 1 or self.pictures_per_room < 1:
            raise InputError("per_relation and pictures_per_room: expected at least 1")
        if self.rooms and self.pixels == "referenced":
            raise InputError("pixels=referenced applies to photographs; those of procedural rooms may be passed on")
        if self.rooms and (self.boxes or self.box_formats):
            raise InputError("boxes and box_formats apply to a published benchmark, not to procedural rooms")
        if not self.rooms and (self.scenes or self.scene_ids or self.renderer != EmbSpatialConfig.renderer):
            raise InputError("--scenes, --scene-id and --renderer apply to procedural rooms, not to "
                             f"{self.sources[0]}")

    @property
    def rooms(self) -> bool:
        """Whether rows are about generated rooms."""
        return self.sources == (SOURCE,)

    def files(self) -> dict[str, Path]:
        return super().files() | ({"boxes": Path(self.boxes).expanduser()} if self.boxes else {})


class EmbSpatialTagged(TaggedBuilder):
    """EmbSpatial-Bench with a consistent, counter or ambiguous tag on every question about depth."""

    VERSION = datasets.Version(VERSION)
    BUILDER_CONFIG_CLASS = EmbSpatialConfig
    BUILDER_CONFIGS = [EmbSpatialConfig(name=name, version=VERSION) for name in TaggedBuilder.CONFIG_NAMES]
    FEATURES = embspatial.FEATURES
    MEASURED = {"width": pa.int64(), "height": pa.int64()}
    KIND = "relation"
    config: EmbSpatialConfig

    @cached_property
    def supply(self) -> Supply:
        made = self.config
        if made.rooms:
            return RoomRows((self.name, VERSION, made.seed), made.renderer, made.scenes, made.scene_ids,
                            made.per_relation, made.pictures_per_room)
        to_row = partial(embspatial.published_row, boxes=self._boxes())
        form = RowForm(embspatial.NEEDED, embspatial.KNOWN, self.KIND, to_row, _measured)
        rows = PublishedRows(made.sources[0], self.name, PUBLISHED, form)
        if "objects" not in rows.columns and not made.boxes:
            raise InputError(f"{made.sources[0]}: has no boxes (no column objects); add --set boxes=PATH, "
                             "the benchmark's JSON or Parquet, to be joined on question_id")
        return rows

    @property
    def paper_counts(self) -> Mapping[str, int]:
        return {} if self.config.rooms else PAPER_COUNTS

    def _boxes(self) -> dict[str, Raw]:
        """What the file ``boxes`` says, by question_id."""
        path = self.config.files().get("boxes")
        columns = ("question_id", "data_source", "scene_id", "objects")
        return embspatial.read_boxes(open_rows(path).rows(columns=columns), str(path)) if path else {}

    def part_spec(self, ref: SceneRef) -> dict[str, Any]:
        return super().part_spec(ref) | self._boxes_hash

    def settings(self) -> dict[str, Any]:
        """Without those of rooms, for a published benchmark."""
        held = super().settings() | self._boxes_hash
        return held if self.config.rooms else {name: value for name, value in held.items() if name not in _OF_ROOMS}

    @cached_property
    def _boxes_hash(self) -> dict[str, str]:
        path = self.config.files().get("boxes")
        return {"boxes": sha256_of(path)} if path else {}

    @property
    def policy(self) -> str:
        return self.config.policy

    def options(self, row: Mapping[str, Any]) -> list[str]:
        return [f"{number}: {option}" for number, option in enumerate(row["answer_options"] or [])]

    def tag(self, rows: Sequence[Raw]) -> Tagging:
        slack = self.config.box_slack
        votes = embspatial.votes(rows, slack)
        given = dict.fromkeys(votes, "xyxy") if self.config.rooms else parse_formats(self.config.box_formats)
        formats = decide(votes, given)
        found = embspatial.problems(rows, formats, slack)
        asked = [embspatial.depth_question(row, odd, formats.get(row["data_source"] or "", ""), slack)
                 for row, odd in zip(rows, found, strict=True)]
        questions = [question for question in asked if question]
        by_policy = {name: outcomes(name, questions, self.config.seed) for name in POLICIES}
        chosen = iter(by_policy[self.policy])
        of_rows = [next(chosen) if question else Outcome(reason="not_about_depth") for question in asked]
        problems = Counter(name for odd in found for name in odd)
        return Tagging(
            of_rows, self.policy, {name: tag_counts(held) for name, held in by_policy.items()},
            reasons([row["relation"] or "" for row in rows], of_rows),
            dict(sorted(problems.items())),
            {"box_formats": {source: asdict(held) | {"decided": formats[source]} for source, held in votes.items()}})


_OF_ROOMS = ("scenes", "renderer", "per_relation", "pictures_per_room")


def _measured(row: Raw, raw: Raw, folder: Path) -> tuple[bytes | None, Raw]:
    data = encoded(raw.get("image"))
    size = decoded_size(data)
    width, height = size or (None, None)
    return data if size else None, {"width": width, "height": height}
