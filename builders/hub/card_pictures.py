"""The pictures of a card, written as ``card/<name>.png``: charts of what was counted, and a sheet of samples.

They are no data: the card's YAML names the files that ``load_dataset`` reads. Rows whose pictures the dataset does not
hold are shown as text.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.heuristic import TAGS
from builders.hub.card_facts import Facts, shards_of
from builders.hub.charts import Bars, Histograms, Panel
from builders.hub.dataset import HubBuilder
from builders.hub.files import replacing
from builders.hub.samples import Sample, choose, draw_sheet, read_rows

FOLDER = "card"
NAMES = ("samples", "tasks", "answers", "tags", "numbers")

_MOST_SERIES = 8
_OTHERS = "others"


@dataclass(frozen=True)
class Drawn:
    """What the card shows."""

    files: dict[str, dict[str, Any]]
    """Path -> sha256 and bytes, for the manifest."""
    examples: list[tuple[str, Sample]]
    """(kind, row) where no picture can be shown."""
    dead_zone: float
    """``vertical_gap`` below which a row is ambiguous; 0 where all rows have a tag."""

    @property
    def paths(self) -> dict[str, str]:
        """Name -> path."""
        return {Path(path).stem: path for path in self.files}


def is_card_picture(path: str) -> bool:
    """Whether a path in a repository is one of these.

    Example:
        >>> is_card_picture("card/tasks.png"), is_card_picture("card/../tasks.png")
        (True, False)
    """
    return path in {f"{FOLDER}/{name}.png" for name in NAMES}


def draw_pictures(builder: HubBuilder, folder: Path, manifest: Mapping[str, Any], facts: Facts) -> Drawn:
    """Write the pictures, in place of those of an earlier build."""
    for name in NAMES:
        (folder / FOLDER / f"{name}.png").unlink(missing_ok=True)
    files, examples = {}, _samples(builder, folder, manifest, facts)
    dead_zone = manifest["settings"].get("min_gap", 0.0)
    drawn = {chart.name: chart.png() for chart in _charts(facts, dead_zone)}
    if all(sample.views for _, sample in examples):
        drawn["samples"], examples = draw_sheet(examples), []
    for name, data in drawn.items():
        path = f"{FOLDER}/{name}.png"
        with replacing(folder / path) as temporary:
            temporary.write_bytes(data)
        files[path] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    return Drawn(dict(sorted(files.items())), examples, dead_zone)


def _samples(
    builder: HubBuilder, folder: Path, manifest: Mapping[str, Any], facts: Facts
) -> list[tuple[str, Sample]]:
    """Rows with pictures if there are such; else rows without."""
    shards = shards_of(facts.splits, manifest)
    hidden = {source for source, how in manifest["settings"]["pixels"].items() if how == "referenced"}
    places = choose(folder, shards, builder.KIND, hidden) or choose(folder, shards, builder.KIND, frozenset())
    read = {place: builder.sample(row).small() for place, row in read_rows(folder, places)}
    found = [(place.kind, read[place]) for place in places]
    seen = [(kind, sample) for kind, sample in found if sample.views]  # published rows may lack their picture
    return seen or found


def _charts(facts: Facts, dead_zone: float) -> Iterator[Bars | Histograms]:
    """Those that there are numbers for."""
    forms = sorted({form for _, form in facts.forms}, key=lambda form: -sum(
        count for (_, held), count in facts.forms.items() if held == form))
    yield Bars("tasks", "Questions", forms, [
        (kind or "-", [facts.forms[kind, form] for form in forms]) for kind in facts.kinds])
    if facts.answers:
        yield _answers(facts)
    tagged = [kind for kind in facts.kinds if any(facts.tags[kind, tag] for tag in TAGS)]
    if tagged:
        yield Bars("tags", '"Higher in the picture is farther": questions where that is so, and where not', TAGS, [
            (kind or "-", [facts.tags[kind, tag] for tag in TAGS]) for kind in tagged])
    panels = [Panel(kind, counts, 0.1, "metres") for kind, counts in sorted(facts.metres.items())]
    if facts.gaps:
        panels.append(Panel("vertical_gap", facts.gaps, 0.01, "share of the picture height", dead_zone))
    if facts.objects:
        panels.append(Panel(facts.objects_counted, facts.objects, 1, "objects"))
    if panels:
        yield Histograms("numbers", "Distances, heights, objects" if facts.metres else "Heights and objects", panels)


def _answers(facts: Facts) -> Bars:
    """The share of each answer among those of its kind and format; rare ones together."""
    totals: Counter[str] = Counter()
    for (_, _, answer), count in facts.answers.items():
        totals[answer] += count
    common = [answer for answer, _ in totals.most_common(_MOST_SERIES if len(totals) <= _MOST_SERIES
                                                         else _MOST_SERIES - 1)]
    series = sorted(common) + ([_OTHERS] if len(totals) > len(common) else [])
    lines = []
    both = {kind for kind, form in facts.forms if (kind, "select") in facts.forms and (kind, "judge") in facts.forms}
    for kind, form in sorted({(kind, form) for kind, form, _ in facts.answers}):
        here = {answer: count for (k, f, answer), count in facts.answers.items() if (k, f) == (kind, form)}
        counts = [here.pop(answer, 0) for answer in sorted(common)]
        lines.append((f"{kind} ({form})" if kind in both else kind or "-",
                      counts + ([sum(here.values())] if _OTHERS in series else [])))
    return Bars("answers", "Right answers", series, lines, shares=True)
