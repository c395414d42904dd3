"""SpatialTunnel: two objects in a square corridor, at fixed depths, swept around the cross section, so that height in
the image says nothing about depth (Why Far Looks Up, section 4 and appendix C.1).

Published configs, in published wording and row order: ``phase_variation`` (12 scenes x 16 x 16 angles x 4 questions),
``size_variation`` (25 scenes x 11 sizes x 4 questions, half of the scenes with a consistent cell, half with a counter
cell) and ``contrastive_probing`` (six categories of 200, each question with its swapped partner; every cell comes with
its mirror images, so that within each category the other two axes are exactly balanced).

Controls, which no published set has:

* ``horizontal_control``: both objects at the same height in the image (``vertical_gap`` 0), the farther one left
  (``side`` = far_left) or right. Height can help nobody here: what a model scores is left of depth once height is
  gone, and a difference between the sides is a horizontal shortcut.
* ``roll_control``: cells of ``phase_variation`` seen by a camera rolled by 90 degrees. ``heuristic`` goes by the
  picture, ``scene_heuristic`` by the corridor's own up. In all other configs the two agree, so a gap may come from the
  picture's height or from what tells where up is (sunlit wall, lit tops of objects); here they are independent.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from builders import heuristic
from builders.errors import InputError
from builders.hub.dataset import ROWS, Candidates, ReadTable, SceneRef, SceneReport, Selection
from builders.hub.samples import Sample, plain_sample
from builders.tunnel.census import assert_balanced, cells_by_tag
from builders.tunnel.config import CONFIG_NAMES, VERSION, TunnelConfig
from builders.tunnel.pictures import pictures, render_specs, spec_hash
from builders.tunnel.plans import scene_ids, shots_of
from builders.tunnel.questions import features_of, rows_of

IMAGES = "images"
"""The table of a part that holds each picture once."""

_IMAGE_SCHEMA = pa.schema([("shot", pa.int64()), ("image", datasets.Image().pa_type)])
_SLICE = 64
"""Rows that are given their pictures at once."""


class SpatialTunnel(datasets.ArrowBasedBuilder):
    """``SpatialTunnel(config_name="phase_variation", renderer="raycast").as_streaming_dataset(split="test")``, or a Hub
    folder of all configs by ``scripts/build.py``. The unit of work is a scene of a config."""

    VERSION = datasets.Version(VERSION)
    BUILDER_CONFIG_CLASS = TunnelConfig
    BUILDER_CONFIGS = [TunnelConfig(name=name, version=VERSION) for name in CONFIG_NAMES]
    DEFAULT_CONFIG_NAME = "size_variation"
    CONFIG_NAMES = CONFIG_NAMES
    REPEATING = ()
    KIND = "template"
    INDEX_COLUMNS: Mapping[str, tuple[str, ...]] = {ROWS: ("shot",), IMAGES: ("shot",)}
    config: TunnelConfig
    scratch: Path | None = None

    def _info(self) -> datasets.DatasetInfo:
        self.config.check()
        features = features_of(self.config.name)
        return datasets.DatasetInfo(features=features, description=__doc__, version=self.VERSION)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        scenes = self._refs_of(self.config.name)
        return [datasets.SplitGenerator(name="test", gen_kwargs={"scenes": scenes})]

    def _generate_tables(self, scenes: list[SceneRef]) -> Iterator[tuple[str, pa.Table]]:
        order = self._refs_of(self.config.name)
        for ref in scenes:
            tables, _ = self.build_scene(ref)
            first_row = order.index(ref) * len(tables[ROWS])  # all scenes of a config have as many rows

            def read(name: str, columns: list[str], tables: dict[str, pa.Table] = tables) -> pa.Table:
                return tables[name].select(columns)

            for number, table in enumerate(self.finish(self.config.name, [tables[ROWS]], first_row, read)):
                yield f"{ref.scene_id}/{number}", table

    @cached_property
    def refs(self) -> list[SceneRef]:
        return [ref for name in CONFIG_NAMES if self.config.only in ("", name) for ref in self._refs_of(name)]

    def _refs_of(self, config: str) -> list[SceneRef]:
        return [SceneRef(config, config, scene_id) for scene_id in scene_ids(config, self.config)]

    def config_features(self, config: str) -> datasets.Features:
        return features_of(config)

    def part_spec(self, ref: SceneRef) -> dict[str, Any]:
        shots = shots_of(ref.source, ref.scene_id, self.config)
        return {"dataset": self.name, "config": ref.source, "shots": render_specs(shots, self.config)}

    def build_scene(self, ref: SceneRef) -> tuple[dict[str, pa.Table], SceneReport]:
        """The questions of one scene of a config, and its pictures."""
        shots = shots_of(ref.source, ref.scene_id, self.config)
        rows = [row | {"shot": number} for number, shot in enumerate(shots)
                for row in rows_of(ref.source, shot, self.config.tunnel)]
        if ref.source == "contrastive_probing":
            assert_balanced(rows)
        folder = self.scratch / ref.source / ref.scene_id if self.scratch else None
        try:
            drawn = pictures(shots, self.config, ref.name, folder)
        except ImportError as error:
            raise InputError(str(error)) from error
        images = [{"shot": number, "image": {"bytes": data, "path": None}} for number, data in enumerate(drawn)]
        tables = {ROWS: pa.Table.from_pylist(rows, schema=_row_schema(ref.source)),
                  IMAGES: pa.Table.from_pylist(images, schema=_IMAGE_SCHEMA)}
        made = Counter(row["template"] for row in rows)
        report = SceneReport(
            frames_read=len(shots), keyframes=len(shots), objects=2, visibility_basis="layout", dropped={}, unseen={},
            rejected={name: {} for name in made}, made={name: {_form(name): count} for name, count in made.items()})
        return tables, report

    def expectation(self) -> str:
        counts = Counter(ref.source for ref in self.refs)
        images = sum(len(shots_of(ref.source, ref.scene_id, self.config)) for ref in self.refs)
        scenes = ", ".join(f"{count} scenes of {name}" for name, count in counts.items())
        return f"expected {images} images: {scenes}"

    def select(self, parts: Sequence[Candidates]) -> list[Selection]:
        """Every row, in order."""
        return [
            Selection(config, "test", [(number, np.arange(len(part.tables[ROWS]))) for number, part in enumerate(parts)
                                       if part.ref.source == config])
            for config in CONFIG_NAMES
        ]

    def finish(
        self, config: str, tables: Iterable[pa.Table], first_row: int, read: ReadTable
    ) -> Iterator[pa.Table]:
        """Rows with their index and picture."""
        images = read(IMAGES, ["image"])["image"].combine_chunks()
        schema = features_of(config).arrow_schema
        for table in tables:
            for start in range(0, len(table), _SLICE):
                rows = table.slice(start, _SLICE)
                index = pa.array(range(first_row, first_row + len(rows)), pa.int64())
                columns = {"index": index, "image": images.take(rows["shot"].combine_chunks())}
                yield pa.table([columns.get(name, rows[name] if name in rows.column_names else None)
                                for name in schema.names], schema=schema)
                first_row += len(rows)

    def tally(self, table: pa.Table) -> Counter[tuple[str, ...]]:
        found: Counter[tuple[str, ...]] = Counter()
        for what in ("answer", "heuristic"):
            for template, value in zip(table["template"].to_pylist(), table[what].to_pylist(), strict=True):
                found[template, _form(template), what, value] += 1
        return found

    def sample(self, row: Mapping[str, Any]) -> Sample:
        return plain_sample(row)

    def settings(self) -> dict[str, Any]:
        """The configuration as the manifest shows it: every parameter."""
        plain = {name: value for name, value in vars(self.config).items()
                 if isinstance(value, bool | int | float | str) and name not in ("name", "only", "scenes")}
        return plain | {
            "scenes": {name: len(self._refs_of(name)) for name in CONFIG_NAMES if self.config.only in ("", name)},
            "pixels": {self.name: "embedded"},
            "tunnel": asdict(self.config.tunnel),
            "look": asdict(self.config.look) if self.config.renderer == "cycles" else None,
        }

    def manifest_extras(self, selections: Sequence[Selection], parts: Sequence[SceneRef]) -> dict[str, Any]:
        """The census, and for each scene the hash of all that its pictures depend on: with the denoiser, equal hashes
        mean pictures that differ by 2 levels at most."""
        built = {selection.config for selection in selections}
        census = {
            config: {tag: cells_by_tag(self._rows(config), tag) for tag in tags}
            for config, tags in (("phase_variation", ["heuristic"]), ("roll_control", ["heuristic", "scene_heuristic"]))
            if config in built
        }
        if "phase_variation" in census:
            tagged = ({**row, "heuristic": heuristic.tag(row["vertical_gap"])} for row in self._rows("phase_variation"))
            census["phase_variation"][f"heuristic, min_gap {heuristic.MIN_GAP}"] = cells_by_tag(tagged)
        specs = {ref.name: spec_hash(self.part_spec(ref)["shots"]) for ref in parts if ref.source in built}
        return {"cells": census, "render_spec": specs}

    def _rows(self, config: str) -> Iterator[dict[str, Any]]:
        """Of all scenes, without pictures."""
        for ref in self._refs_of(config):
            for shot in shots_of(config, ref.scene_id, self.config):
                yield from rows_of(config, shot, self.config.tunnel)

    def licences(self) -> dict[str, str]:
        return {self.name: "Generated by Vantage from a seed; no third-party assets; CC0-1.0."}


def _row_schema(config: str) -> pa.Schema:
    """Rows as a part holds them: a picture's number in place of the picture."""
    fields = [field for field in features_of(config).arrow_schema if field.name not in ("index", "image")]
    return pa.schema([*fields, pa.field("shot", pa.int64())])


def _form(template: str) -> str:
    """How a template is answered."""
    return "yes_no" if template.startswith("T") else "choice"
