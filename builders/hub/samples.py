"""The sample sheet of a card: questions of every kind, with their pictures and answers, in one PNG.

Rows are chosen by a hash of their names, so that the sheet does not depend on who built the folder. Only the row groups
that hold them are read.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from heapq import nsmallest
from io import BytesIO
from itertools import chain, zip_longest
from pathlib import Path
from textwrap import shorten
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from builders.hub.drawing import FAINT, INK, blank, encoded, font
from builders.randomness import stable_hash

NAMES = ("uid", "question_id", "index", "idx")
"""Columns that name a row within its config; a table has one of them."""

MOST_VIEWS = 3
"""Pictures shown of a question that has more."""

_COLUMNS, _ROWS = 3, 4
_TILE, _GAP = 320, 18
"""Pixels."""
_LETTERS, _LINE = 13, 18
_MOST_LINES = 12
_BATCH = 4


@dataclass(frozen=True)
class Sample:
    """A row as people see it."""

    views: list[Image.Image]
    """Empty where the dataset does not hold them."""
    question: str
    answer: str
    left_out: int = 0
    """Further pictures of the question."""

    def small(self) -> "Sample":
        """As a tile of the sheet shows it. In full size, the pictures of a dozen videos take hundreds of megabytes."""
        shown = _spread(self.views, MOST_VIEWS)
        each = (_TILE - 4 * (len(shown) - 1)) // max(1, len(shown))
        views = [view.resize((each, max(1, view.height * each // view.width)), Image.Resampling.BICUBIC,
                             reducing_gap=2.0) for view in shown]
        return replace(self, views=views, left_out=len(self.views) - len(views))


@dataclass(frozen=True)
class Place:
    """Where a chosen row is."""

    shard: str
    row: int
    kind: str


def plain_sample(row: Mapping[str, Any]) -> Sample:
    """A row with the columns ``image`` (one, or a list), ``question`` and ``answer``."""
    images = row["image"] if isinstance(row["image"], list) else [row["image"]]
    views = [Image.open(BytesIO(image["bytes"])).convert("RGB") for image in images if image and image["bytes"]]
    return Sample(views, row["question"] or "", str(row["answer"]))


def choose(folder: Path, shards: Sequence[str], kind: str, hidden: AbstractSet[str]) -> list[Place]:
    """Rows of all kinds, and of all tags within a kind, as many as a sheet holds.

    Args:
        kind: the column that says what a row asks.
        hidden: sources whose pictures the dataset does not hold; their rows are left out.
    """
    found: dict[str, dict[str, list[tuple[bytes, Place]]]] = {}
    for shard in shards:
        with pq.ParquetFile(folder / shard) as file:
            held = file.schema_arrow.names
            name = next(column for column in NAMES if column in held)
            columns = [column for column in (name, kind, "heuristic", "source") if column in held]
            first = 0
            for batch in file.iter_batches(4096, columns=columns, use_threads=False):
                for number, row in enumerate(batch.to_pylist(), first):
                    if row.get("source") not in hidden:
                        place = Place(shard, number, row[kind] or "")
                        key = stable_hash("card", shard.split("-")[0], row[name])
                        found.setdefault(place.kind, {}).setdefault(row.get("heuristic") or "", []).append((key, place))
                first += len(batch)
                for tags in found.values():
                    for tag, candidates in tags.items():
                        tags[tag] = nsmallest(_COLUMNS * _ROWS, candidates, key=lambda item: item[0])
    by_kind = [_in_turn(tags[tag] for tag in sorted(tags)) for _, tags in sorted(found.items())]
    chosen: list[tuple[bytes, Place]] = []
    for turn in zip_longest(*by_kind):
        here = [item for item in turn if item]
        chosen += _spread(here, _COLUMNS * _ROWS - len(chosen))
    return sorted((place for _, place in chosen), key=lambda place: (place.kind, place.shard, place.row))


def _in_turn(lists: Iterator[list[Any]]) -> list[Any]:
    return [item for item in chain.from_iterable(zip_longest(*lists)) if item]


def _spread(items: list[Any], count: int) -> list[Any]:
    """``count`` of the items, evenly; all if there are not more."""
    return items if len(items) <= count else [items[i * len(items) // count] for i in range(count)]


def read_rows(folder: Path, places: Sequence[Place]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The rows at these places, in the order of the shards; a few rows are in memory at a time."""
    for shard in sorted({place.shard for place in places}):
        wanted = {place.row: place for place in places if place.shard == shard}
        with pq.ParquetFile(folder / shard) as file:
            first = 0
            for group in range(file.num_row_groups):
                last = first + file.metadata.row_group(group).num_rows
                if any(first <= row < last for row in wanted):
                    for batch in file.iter_batches(_BATCH, row_groups=[group], use_threads=False):
                        for row in range(first, first + len(batch)):
                            if row in wanted:
                                yield wanted[row], batch.slice(row - first, 1).to_pylist()[0]
                        first += len(batch)
                first = last
        pa.default_memory_pool().release_unused()


def draw_sheet(samples: Sequence[tuple[str, Sample]]) -> bytes:
    """A PNG of (kind, small sample) tiles, left to right and top to bottom."""
    tiles = [_tile(kind, sample) for kind, sample in samples]
    rows = [tiles[start : start + _COLUMNS] for start in range(0, len(tiles), _COLUMNS)]
    heights = [max(tile.height for tile in row) for row in rows]
    width = min(_COLUMNS, len(tiles)) * (_TILE + _GAP) + _GAP
    sheet, _ = blank(width, sum(heights) + _GAP * (len(rows) + 1))
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (_GAP + column * (_TILE + _GAP), top))
        top += height + _GAP
    return encoded(sheet)


def _tile(kind: str, sample: Sample) -> Image.Image:
    """Pictures side by side, and the text below."""
    views = sample.views
    more = f", {len(views)} of {len(views) + sample.left_out} pictures" if sample.left_out else ""
    answer = shorten(sample.answer, 120, placeholder=" …")
    lines = [*((line, FAINT, True) for line in _wrapped(kind + more, bold=True)),
             *((line, INK, False) for line in _shortened(_wrapped(sample.question))),
             *((line, INK, True) for line in _wrapped(answer, bold=True))]
    top = max(view.height for view in views) + 8
    tile, draw = blank(_TILE, top + len(lines) * _LINE)
    for number, view in enumerate(views):
        tile.paste(view, (number * (view.width + 4), 0))
    for number, (line, color, bold) in enumerate(lines):
        draw.text((0, top + number * _LINE), line, color, font(_LETTERS, bold))
    return tile


def _shortened(lines: list[str]) -> list[str]:
    """Without lines from the middle, if there are too many: the options are at the end."""
    if len(lines) <= _MOST_LINES:
        return lines
    last = _MOST_LINES // 2
    return [*lines[: _MOST_LINES - last - 1], "…", *lines[-last:]]


def _wrapped(text: str, bold: bool = False) -> list[str]:
    """Lines that are no wider than a tile."""
    written = font(_LETTERS, bold)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        room = 0.0
        for word in paragraph.split():
            width = written.getlength(f" {word}")
            if width > room:
                lines.append(word)
                room = _TILE - width
            else:
                lines[-1] += f" {word}"
                room -= width
    return lines
