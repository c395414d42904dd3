"""What a card says about the rows of a folder, counted from its shards: kinds, answers, tags, distances, objects.

Only the columns that are counted are read, a batch at a time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from builders.heuristic import TAGS
from builders.hub.dataset import HubBuilder

CLOSED_FORMS = ("select", "judge", "")
"""Formats whose answers are few: letters, Yes and No. Datasets without formats have such answers alone."""

_COUNTED = ("format_type", "answer", "answer_value", "unit", "metric", "heuristic", "vertical_gap", "objects")
_BATCH = 4096
_STEP = 0.01
"""Of heights, in which they are counted."""


@dataclass(frozen=True)
class Spread:
    """How often each number occurs."""

    counts: Counter[float]

    @property
    def low(self) -> float:
        return min(self.counts)

    @property
    def high(self) -> float:
        return max(self.counts)

    @property
    def median(self) -> float:
        return self._at(0.5)

    @property
    def mean(self) -> float:
        return sum(value * count for value, count in self.counts.items()) / self.counts.total()

    def _at(self, share: float) -> float:
        """The lowest number such that this share of all is not above it."""
        seen, wanted = 0, share * self.counts.total()
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= wanted:
                return value
        raise ValueError("no numbers")


@dataclass
class Facts:
    """Counts over all questions of a folder, each counted once."""

    splits: list[str]
    """``config/split`` whose rows are counted."""
    by_split: dict[str, Counter[str]] = field(default_factory=dict)
    """Rows of each kind, of every ``config/split`` with questions."""
    forms: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind, format or, in datasets without formats, ``""``)."""
    answers: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(kind, format, answer), of closed formats."""
    tags: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind, tag), of tagged rows."""
    gaps: Counter[float] = field(default_factory=Counter)
    """``vertical_gap``, rounded."""
    metres: dict[str, Counter[float]] = field(default_factory=dict)
    """Kind -> golds that are one length in metres, as printed."""
    objects: Counter[float] = field(default_factory=Counter)
    """Objects per picture, or those a question is about, see ``objects_counted``."""
    objects_counted: str = ""
    """What ``objects`` counts, in words."""

    @property
    def questions(self) -> int:
        return self.forms.total()

    @property
    def kinds(self) -> list[str]:
        return sorted({kind for kind, _ in self.forms})

    @property
    def by_tag(self) -> dict[str, int]:
        """Over all kinds; empty without a tag."""
        found = {tag: sum(n for (_, held), n in self.tags.items() if held == tag) for tag in TAGS}
        return found if any(found.values()) else {}

    @property
    def all_metres(self) -> Spread:
        return Spread(sum(self.metres.values(), Counter()))

    @property
    def object_spread(self) -> Spread:
        return Spread(self.objects)

    @property
    def largest_share(self) -> tuple[float, str, str]:
        """(share, kind, answer) of the answer that is most overrepresented among those of its kind and format; left
        out are kinds that always have one answer, and those whose answers are equally frequent."""
        asked: dict[tuple[str, str], Counter[str]] = {}
        for (kind, form, answer), count in self.answers.items():
            asked.setdefault((kind, form), Counter())[answer] += count
        found = [(count / held.total() * len(held), count / held.total(), kind, answer)
                 for (kind, _), held in asked.items() for answer, count in held.most_common(1)
                 if len(held) > 1 and count * len(held) > held.total()]
        return max(found)[1:] if found else (0.0, "", "")


def count_facts(builder: HubBuilder, folder: Path, manifest: Mapping[str, Any]) -> Facts:
    """Count the rows of all configs with questions, or, of configs that repeat another's, of one alone."""
    asking = [split for split in manifest["rows"] if builder.KIND in builder.config_features(split.split("/")[0])]
    own = [split for split in asking if split.split("/")[0] not in builder.REPEATING]
    facts = Facts(own or [split for split in asking if split.split("/")[0] == asking[0].split("/")[0]])
    for split in asking:
        kinds = _rows(folder, shards_of([split], manifest), (builder.KIND,))
        facts.by_split[split] = Counter(row[builder.KIND] or "" for row in kinds)
    for row in _rows(folder, shards_of(facts.splits, manifest), (builder.KIND, *_COUNTED)):
        _count(facts, row, row[builder.KIND] or "")
    if any(split.startswith("objects/") for split in manifest["rows"]):
        facts.objects = _objects_per_frame(folder, manifest)
        facts.objects_counted = "objects per picture that may be asked about"
    elif facts.objects:
        facts.objects_counted = "objects that a question is about"
    return facts


def shards_of(splits: Iterable[str], manifest: Mapping[str, Any]) -> list[str]:
    """The files of some ``config/split``."""
    return [name for split in splits for name in manifest["files"] if name.startswith(f"{split}-")]


def _rows(folder: Path, shards: Iterable[str], columns: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Rows with those of the columns that there are."""
    for shard in shards:
        with pq.ParquetFile(folder / shard) as file:
            held = [name for name in columns if name in file.schema_arrow.names]
            for batch in file.iter_batches(_BATCH, columns=held, use_threads=False):
                yield from batch.to_pylist()


def _count(facts: Facts, row: Mapping[str, Any], kind: str) -> None:
    form = row.get("format_type") or ""
    facts.forms[kind, form] += 1
    if form in CLOSED_FORMS:
        facts.answers[kind, form, str(row["answer"])] += 1
    if row.get("heuristic"):
        facts.tags[kind, row["heuristic"]] += 1
    if row.get("vertical_gap") is not None:
        facts.gaps[round(row["vertical_gap"] / _STEP) * _STEP] += 1
    if row.get("metric") == "mra" and row["unit"] == ["m"]:
        facts.metres.setdefault(kind, Counter())[row["answer_value"][0]] += 1
    if row.get("objects"):
        facts.objects[len(row["objects"])] += 1


def _objects_per_frame(folder: Path, manifest: Mapping[str, Any]) -> Counter[float]:
    """How many pictures show how many objects, from the configs ``objects`` and ``frames``."""
    found: Counter[float] = Counter()
    here: Counter[str] = Counter()
    scene = None
    for row in _rows(folder, shards_of(_splits("objects", manifest), manifest), ("source", "scene_id", "frame_ids")):
        if scene != (row["source"], row["scene_id"]):  # rows of a scene are together
            found.update(here.values())
            here, scene = Counter(), (row["source"], row["scene_id"])
        here.update(row["frame_ids"])
    found.update(here.values())
    frames = sum(manifest["rows"][split] for split in _splits("frames", manifest))
    found[0] = max(0, frames - found.total())
    return +found


def _splits(config: str, manifest: Mapping[str, Any]) -> list[str]:
    return [split for split in manifest["rows"] if split.startswith(f"{config}/")]
