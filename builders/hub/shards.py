"""Shards: rows chosen from parts, written in selection order under their final names only when all are complete.

A shard holds whole scenes, and where it ends is decided by the scene that it ends with: by its name and its size. So a
scene that changes moves the end of its own shard, and no other beyond the next one: shards behind it keep their bytes
and are not uploaded again. (Shards filled up to a size would all move.)
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa

from builders.hub.dataset import ROWS, HubBuilder, Selection
from builders.hub.parquet import TableWriter
from builders.hub.parts import read_part, read_rows
from builders.hub.shared_pictures import Pictures, pictures_of
from builders.randomness import stable_hash

SHARD_BYTES = 100_000_000
"""What a shard holds on average: different pictures, and other columns before compression."""
FEWEST, MOST = 0.25, 4.0
"""Shares of it: a shard does not end before the one, and ends with the scene that reaches the other."""

SHARD_NAME = re.compile(r"[a-z]+-\d{5}-of-\d{5}\.parquet")


@dataclass
class ImageBytes:
    """What embedding the pictures costs."""

    references: int = 0
    """Pictures in rows."""
    plain: int = 0
    """Bytes if each row stored its own copy."""
    unique: int = 0
    """Bytes of different pictures."""
    _seen: set[bytes] = field(default_factory=set, repr=False)

    def add(self, table: pa.Table, pictures: Mapping[str, Pictures]) -> int:
        """Count the pictures of a table; gives its bytes if each picture that is new is stored once."""
        before = self.plain - self.unique
        for held in pictures.values():
            shown = Counter(number for number in held.shown if number is not None)
            self.references += shown.total()
            self.plain += sum(held.sizes[number] * count for number, count in shown.items())
            fresh = {digest: size for digest, size in zip(held.digests, held.sizes, strict=True)
                     if digest not in self._seen}
            self._seen |= fresh.keys()
            self.unique += sum(fresh.values())
        return int(table.nbytes) - (self.plain - self.unique - before)

    def close(self) -> None:
        """Forget the pictures: the digests of all configs together would grow with the dataset."""
        self._seen.clear()


@dataclass(frozen=True)
class WrittenSplit:
    """The files of one config and split."""

    config: str
    split: str
    files: dict[str, int]
    """Path relative to the folder -> rows, in order."""
    images: ImageBytes
    answers: Counter[tuple[str, ...]]
    """(task, format, what, value) -> how often."""


def write_split(builder: HubBuilder, parts: Sequence[Path], staging: Path, selection: Selection) -> WrittenSplit:
    """Write one selection below ``staging`` as ``<config>/<split>-00000-of-0000N.parquet``."""
    folder = staging / selection.config
    folder.mkdir(parents=True, exist_ok=True)
    schema = builder.config_features(selection.config).arrow_schema
    images = ImageBytes()
    answers: Counter[tuple[str, ...]] = Counter()
    counts: list[int] = []
    scenes = _selected(builder, parts, selection)
    scene = next(scenes, None)
    while scene is not None:
        rows = held = 0
        with TableWriter(folder / f"{selection.split}-{len(counts):05d}.open", schema) as writer:
            ended = False
            while scene is not None and not ended:
                name, tables = scene
                added = 0
                for table in tables:
                    pictures = pictures_of(table)
                    added += images.add(table, pictures)
                    if selection.table == ROWS:
                        answers.update(builder.tally(table))
                    writer.write(table, pictures)
                    rows += len(table)
                held += added
                ended = ends_shard(name, added, held)
                scene = next(scenes, None)
        counts.append(rows)
    files = {}
    for number, rows in enumerate(counts):
        name = f"{selection.split}-{number:05d}-of-{len(counts):05d}.parquet"
        (folder / f"{selection.split}-{number:05d}.open").rename(folder / name)
        files[f"{selection.config}/{name}"] = rows
    images.close()
    return WrittenSplit(selection.config, selection.split, files, images, answers)


def ends_shard(scene: str, added: int, held: int) -> bool:
    """Whether a shard ends with this scene.

    Args:
        scene: source and id.
        added: bytes of the scene.
        held: bytes of the shard, this scene's among them.

    Example:
        >>> ends_shard("scannet/scene0000_00", SHARD_BYTES, 4 * SHARD_BYTES)
        True
    """
    if held < FEWEST * SHARD_BYTES:
        return False
    drawn = int.from_bytes(stable_hash("shard", scene)[:8], "big") / 2**64
    return held >= MOST * SHARD_BYTES or drawn * (1 - FEWEST) * SHARD_BYTES < added


def _selected(
    builder: HubBuilder, parts: Sequence[Path], selection: Selection
) -> Iterator[tuple[str, Iterator[pa.Table]]]:
    """(source and id, selected rows slice by slice) of each scene; one slice is in memory at a time."""
    first_row = 0
    for part, rows in selection.picks:
        tables = read_rows(parts[part], selection.table, rows)
        yield (f"{parts[part].parent.name}/{parts[part].name}",
               builder.finish(selection.config, tables, first_row, partial(read_part, parts[part])))
        first_row += len(rows)
