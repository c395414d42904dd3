"""What the Hub folder needs to know of a dataset builder, and what passes between the two."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import datasets
import pyarrow as pa


@dataclass(frozen=True)
class SceneRef:
    """One scene to build."""

    spec: str
    """``NAME`` or ``NAME=ROOT``."""
    source: str
    scene_id: str

    @property
    def name(self) -> str:
        return f"{self.source}/{self.scene_id}"


@dataclass(frozen=True)
class SceneReport:
    """What happened to one scene; goes into the manifest."""

    frames_read: int
    keyframes: int
    objects: int
    visibility_basis: str
    dropped: Mapping[str, int]
    """What the reader left out, by reason."""
    unseen: Mapping[str, int]
    """Observations below a visibility limit, by reason."""
    rejected: Mapping[str, Mapping[str, int]]
    """Proposals not asked, by task and reason."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Selection:
    """The rows of one config and split, in order."""

    config: str
    split: str
    picks: list[tuple[int, int]]
    """(part number, row number)."""


class HubBuilder(Protocol):
    """A ``datasets`` builder whose unit of work is a scene."""

    VERSION: datasets.Version
    CONFIG_NAMES: tuple[str, ...]
    """Published configs."""
    INDEX_COLUMNS: tuple[str, ...]
    """Columns ``select`` looks at."""
    info: datasets.DatasetInfo

    @property
    def name(self) -> str: ...

    @property
    def refs(self) -> list[SceneRef]: ...

    def part_spec(self, ref: SceneRef) -> dict[str, Any]: ...

    def build_scene(self, ref: SceneRef) -> tuple[pa.Table, SceneReport]: ...

    def select(self, index: pa.Table) -> list[Selection]: ...

    def finish(self, table: pa.Table, first_row: int) -> pa.Table: ...

    def settings(self) -> dict[str, Any]: ...

    def licences(self) -> dict[str, str]: ...
