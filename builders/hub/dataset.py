"""What the Hub folder needs to know of a dataset builder, and what passes between the two."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import datasets
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builders.hub.samples import Sample

ROWS = "rows"
"""The table every part has: questions. A builder may write more tables per scene."""

ReadTable = Callable[[str, list[str]], pa.Table]
"""(table, columns) of the part at hand."""


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

    def __str__(self) -> str:
        return self.name


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
    made: Mapping[str, Mapping[str, int]]
    """Rows to choose from, by task and format."""
    unreadable: Sequence[str] = ()
    """Frames whose pictures cannot be read: the scene was built as if they had not been captured."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Candidates:
    """What ``select`` sees of one part."""

    ref: SceneRef
    tables: Mapping[str, pa.Table]
    """Table name -> its ``INDEX_COLUMNS``. A build reads them at each look, keeps none: ``select`` sees all parts, and
    must not hold their columns."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The rows of one config and split, in order."""

    config: str
    split: str
    picks: Sequence[tuple[int, NDArray[np.integer]]]
    """(part number, ascending row numbers), each part at most once; parts without a row are left out."""
    table: str = ROWS
    """The table of the parts that the rows are taken from."""

    def __str__(self) -> str:
        return f"{self.config}/{self.split}"


class HubBuilder(Protocol):
    """A ``datasets`` builder whose unit of work is a scene."""

    VERSION: datasets.Version
    DEFAULT_CONFIG_NAME: str
    CONFIG_NAMES: tuple[str, ...]
    """Published configs."""
    REPEATING: tuple[str, ...]
    """Configs whose questions the default config has, too: statistics leave them out."""
    KIND: str
    """The column that says what kind of question a row asks."""
    INDEX_COLUMNS: Mapping[str, tuple[str, ...]]
    """The tables of a part, ``ROWS`` among them -> the columns ``select`` looks at."""
    info: datasets.DatasetInfo
    scratch: Path | None
    """Set by whoever builds: ``scratch/<source>/<scene>`` may keep what an interrupted ``build_scene`` should not lose,
    and is removed once the part is whole."""

    @property
    def name(self) -> str: ...

    @property
    def refs(self) -> list[SceneRef]: ...

    def config_features(self, config: str) -> datasets.Features:
        """The columns of a published config."""
        ...

    def part_spec(self, ref: SceneRef) -> dict[str, Any]:
        """Everything the tables of one scene depend on; a part is reused while this stays equal."""
        ...

    def build_scene(self, ref: SceneRef) -> tuple[dict[str, pa.Table], SceneReport]:
        """The tables of one scene; ``SceneError`` if it cannot be used."""
        ...

    def expectation(self) -> str:
        """How many rows a build may give at most, and why, in one line."""
        ...

    def select(self, parts: Sequence[Candidates]) -> list[Selection]: ...

    def finish(
        self, config: str, tables: Iterable[pa.Table], first_row: int, read: ReadTable
    ) -> Iterator[pa.Table]:
        """Selected rows of one part as they are published, in slices that fit into memory.

        Args:
            tables: the rows as the part holds them, slice by slice.
            first_row: number of rows before these in the config and split.
            read: gives other tables of the part.
        """
        ...

    def tally(self, table: pa.Table) -> Counter[tuple[str, ...]]:
        """How often each answer occurs: keys are (task, format, what, value)."""
        ...

    def sample(self, row: Mapping[str, Any]) -> Sample:
        """A finished row as the card shows it; its pictures are as stored."""
        ...

    def settings(self) -> dict[str, Any]: ...

    def manifest_extras(self, selections: Sequence[Selection], parts: Sequence[SceneRef]) -> dict[str, Any]:
        """What the manifest says besides; ``parts`` are the scenes that the picks' part numbers count."""
        ...

    def licences(self) -> dict[str, str]: ...
