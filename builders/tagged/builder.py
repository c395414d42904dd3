"""What the tagged benchmarks have in common: rows as published, with the tag behind them.

A part of a build is a stretch of rows with their pictures, and without tags: whichever pair is compared, parts stay.
Tags are given when all rows are known, because box formats, duplicate ids and one of the policies depend on all.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from builders import heuristic
from builders.errors import InputError, SceneError
from builders.hub.dataset import ROWS, Candidates, ReadTable, SceneRef, SceneReport, Selection
from builders.hub.files import sha256_of
from builders.hub.parts import spec_hash
from builders.hub.samples import Sample, plain_sample
from builders.tagged.files import Raw
from builders.tagged.policies import Outcome
from builders.tagged.supply import Supply
from builders.tagged.tagging import Tagging

logger = logging.getLogger(__name__)

ADDED = {
    "heuristic": datasets.Value("string"),
    "vertical_gap": datasets.Value("float64"),
    "far_object": datasets.Value("string"),
    "near_object": datasets.Value("string"),
    "tag_policy": datasets.Value("string"),
    "untagged_reason": datasets.Value("string"),
}
"""Our columns, behind the published ones."""

_SLICE = 64
"""Rows that get their tags at once."""


@dataclass
class TaggedConfig(datasets.BuilderConfig):
    """What a tagged benchmark is made from. Every field is written to the manifest, files as their hashes."""

    sources: tuple[str, ...] = ("hub",)
    """One of: ``hub``, ``hub=REPO``, ``hub=REPO@REVISION``, ``file=PATH``."""
    only: str = ""
    """Write this config alone; empty: all."""
    pixels: str = "auto"
    """``embedded`` (what ``auto`` means here), or ``referenced``: without the pictures, which the benchmark's own
    repository has. Photographs of scans may not be passed on: only so can a published benchmark be pushed."""

    def check(self) -> None:
        """Raise ``InputError`` for a value out of its range. (Not ``__post_init__``: datasets sets fields later.)"""
        if self.pixels not in ("auto", "embedded", "referenced"):
            raise InputError(f"pixels: expected auto, embedded or referenced, got {self.pixels!r}")
        if len(self.sources) != 1:
            raise InputError(f"--source: expected one, got {', '.join(self.sources) or 'none'}; a benchmark is tagged "
                             "as a whole")

    def files(self) -> dict[str, Path]:
        """Name -> local file that the rows depend on."""
        spec = self.sources[0]
        return {"source": Path(spec.removeprefix("file=")).expanduser()} if spec.startswith("file=") else {}

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: datasets.Features | None = None) -> str:
        """The name under which ``datasets`` caches; files count by what they hold, for they are edited in place."""
        self.check()
        held = {f"{name}_sha256": sha256_of(path) for name, path in self.files().items() if path.is_file()}
        return super().create_config_id(config_kwargs | held, custom_features)


class TaggedBuilder(datasets.ArrowBasedBuilder):
    """Configs ``default`` (split ``test``: every row) and ``depth`` (a split per tag). A subclass knows the benchmark's
    columns and its depth questions."""

    DEFAULT_CONFIG_NAME = "default"
    CONFIG_NAMES = ("default", "depth")
    REPEATING = ("depth",)
    FEATURES: datasets.Features
    """The published columns."""
    MEASURED: Mapping[str, pa.DataType]
    """What a part holds besides, from the pictures."""
    KIND: str
    """The published column that says what a row asks."""
    config: TaggedConfig
    scratch: Path | None = None
    _tagging: Tagging | None = None
    _outcome_of: Mapping[str, Outcome]

    @cached_property
    def supply(self) -> Supply:
        """Where rows come from."""
        raise NotImplementedError

    @property
    def policy(self) -> str:
        """How the pair of a row is chosen."""
        raise NotImplementedError

    @property
    def paper_counts(self) -> Mapping[str, int]:
        """Tag -> rows, as the paper counts them (table 1); empty where it does not."""
        raise NotImplementedError

    def tag(self, rows: Sequence[Raw]) -> Tagging:
        """The tags of all rows, in file order; rows have all columns of a part but ``image``."""
        raise NotImplementedError

    def _info(self) -> datasets.DatasetInfo:
        self.config.check()
        features = self.config_features(self.config.name)
        return datasets.DatasetInfo(features=features, description=self.__doc__ or "", version=self.VERSION)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        tags = ("",) if self.config.name == self.DEFAULT_CONFIG_NAME else heuristic.TAGS
        return [datasets.SplitGenerator(name=tag or "test", gen_kwargs={"scenes": self.refs, "tag": tag})
                for tag in tags]

    def _generate_tables(self, scenes: list[SceneRef], tag: str) -> Iterator[tuple[str, pa.Table]]:
        if self._tagging is None:
            self._tag_all(row for ref in self.refs for row in self._usable_rows(ref, lambda key: False))

        def wanted(key: str) -> bool:
            return not tag or self._outcome_of[key].heuristic == tag

        for ref in scenes:
            rows = [row for row in self._usable_rows(ref, wanted) if wanted(row["key"])]
            table = pa.Table.from_pylist(rows, schema=self._part_schema)
            for number, finished in enumerate(self.finish(self.config.name, [table], 0, _no_other_table)):
                yield f"{ref.name}/{number}", finished

    def _usable_rows(self, ref: SceneRef, shown: Callable[[str], bool]) -> list[Raw]:
        """The rows of a part; none of a room that cannot be used."""
        try:
            return self.supply.rows(ref, shown)[0]
        except SceneError as error:
            logger.warning("%s: left out: %s", ref.name, error)
            return []

    @cached_property
    def refs(self) -> list[SceneRef]:
        return self.supply.refs

    def config_features(self, config: str) -> datasets.Features:
        return datasets.Features(self.FEATURES | ADDED)

    @property
    def _part_schema(self) -> pa.Schema:
        measured = [pa.field(*item) for item in self.MEASURED.items()]
        return pa.schema([*self.FEATURES.arrow_schema, pa.field("key", pa.string()), *measured])

    @property
    def INDEX_COLUMNS(self) -> Mapping[str, tuple[str, ...]]:
        return {ROWS: tuple(name for name in self._part_schema.names if name != "image")}

    def part_spec(self, ref: SceneRef) -> dict[str, Any]:
        return {"dataset": self.name, "version": str(self.VERSION)} | self.supply.spec(ref)

    def build_scene(self, ref: SceneRef) -> tuple[dict[str, pa.Table], SceneReport]:
        """Rows of one part, without tags."""
        rows, report = self.supply.rows(ref, lambda key: True)
        return {ROWS: pa.Table.from_pylist(rows, schema=self._part_schema)}, report

    def expectation(self) -> str:
        return self.supply.expectation()

    def _tag_all(self, rows: Iterable[Raw]) -> None:
        """Tag all rows, and keep the tags for ``finish`` and the manifest.

        Raises:
            InputError: not one row has a tag.
        """
        held = list(rows)
        tagging = self.tag(held)
        if not any(outcome.heuristic for outcome in tagging.outcomes):
            why = "; ".join(f"{kind or 'no ' + self.KIND}: {', '.join(f'{n} {reason}' for reason, n in found.items())}"
                            for kind, found in tagging.untagged.items())
            raise InputError(f"{', '.join(self.config.sources)}: not one of {len(held)} rows can be tagged ({why})")
        self._tagging = tagging
        self._outcome_of = {row["key"]: outcome for row, outcome in zip(held, tagging.outcomes, strict=True)}

    def select(self, parts: Sequence[Candidates]) -> list[Selection]:
        """Every row, in order; then those with a tag, a split for each."""
        tables = [part.tables[ROWS] for part in parts]
        self._tag_all(row for table in tables for row in table.to_pylist())
        tags = [np.array([self._outcome_of[key].heuristic for key in table["key"].to_pylist()]) for table in tables]
        chosen = {("default", "test"): [np.arange(len(held)) for held in tags]}
        chosen |= {("depth", tag): [np.flatnonzero(held == tag) for held in tags] for tag in heuristic.TAGS}
        return [Selection(config, split, [(part, rows) for part, rows in enumerate(picks) if len(rows)])
                for (config, split), picks in chosen.items()]

    def finish(
        self, config: str, tables: Iterable[pa.Table], first_row: int, read: ReadTable
    ) -> Iterator[pa.Table]:
        """Rows with their tags."""
        schema = self.config_features(config).arrow_schema
        for rows in (table.slice(start, _SLICE) for table in tables for start in range(0, len(table), _SLICE)):
            if self._pixels == "referenced":
                nothing = pa.nulls(len(rows), rows.schema.field("image").type)
                rows = rows.set_column(rows.schema.get_field_index("image"), "image", nothing)
            outcomes = [self._outcome_of[key] for key in rows["key"].to_pylist()]
            added = {
                "heuristic": [outcome.heuristic for outcome in outcomes],
                "vertical_gap": [outcome.vertical_gap for outcome in outcomes],
                "far_object": [outcome.far_object for outcome in outcomes],
                "near_object": [outcome.near_object for outcome in outcomes],
                "tag_policy": [self.policy] * len(rows),
                "untagged_reason": [outcome.reason for outcome in outcomes],
            }
            yield pa.table([pa.array(added[field.name], field.type) if field.name in added else rows[field.name]
                            for field in schema], schema=schema)

    def tally(self, table: pa.Table) -> Counter[tuple[str, ...]]:
        found: Counter[tuple[str, ...]] = Counter()
        for what in ("answer", "heuristic"):
            for kind, value in zip(table[self.KIND].to_pylist(), table[what].to_pylist(), strict=True):
                found[kind or "", "choice", what, str(value)] += 1
        return found

    def sample(self, row: Mapping[str, Any]) -> Sample:
        """With its options, and the tag behind the answer."""
        plain = plain_sample(row)
        question = "\n".join([plain.question, *self.options(row)])
        tag = f" ({row['heuristic']})" if row["heuristic"] else ""
        return replace(plain, question=question, answer=plain.answer + tag)

    def options(self, row: Mapping[str, Any]) -> list[str]:
        """A line for each answer to choose from, behind what the answer calls it."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """The configuration as the manifest shows it, without any path of this machine."""
        plain = {name: value for name, value in vars(self.config).items()
                 if isinstance(value, bool | int | float | str) and name not in (*_OF_DATASETS, *self.config.files())}
        return plain | {
            "policy": self.policy, "min_gap": heuristic.MIN_GAP, "pixels": {self.supply.pictures: self._pixels},
            "unit": self.supply.unit, "input": self.supply.said()}

    def manifest_extras(self, selections: Sequence[Selection], parts: Sequence[SceneRef]) -> dict[str, Any]:
        """Counts of tags under every policy, why rows have none, how boxes were read, and the hash of all that denoised
        pictures depend on."""
        assert self._tagging is not None  # ``select`` comes first
        specs = {ref.name: spec_hash(self.part_spec(ref)) for ref in parts} if self.supply.denoised else {}
        return {"tags": self._tagging.as_dict() | {"paper": dict(self.paper_counts)}, "render_spec": specs}

    @property
    def _pixels(self) -> str:
        return "referenced" if self.config.pixels == "referenced" else "embedded"

    def licences(self) -> dict[str, str]:
        return self.supply.licences()


_OF_DATASETS = ("name", "version", "data_dir", "data_files", "description", "only")
"""Fields of a configuration that say nothing of the rows."""


def _no_other_table(name: str, columns: list[str]) -> pa.Table:
    raise KeyError(name)
