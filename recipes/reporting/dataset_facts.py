"""What a dataset holds, counted from its rows and its manifest."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from builders.spar.choices import LETTERS
from builders.spar.tasks import TASKS
from recipes.questions import Questions, Row
from recipes.scoring import rows_by_form, tasks_present

TAGS = ("consistent", "counter", "ambiguous")
_STEP = 0.1
"""Numbers are printed to one decimal: bars of a whole number of steps, so that none is empty by construction."""
_MOST_BARS = 40


@dataclass(frozen=True)
class Share:
    """One part of a whole."""

    name: str
    count: int
    percent: float


@dataclass(frozen=True)
class Histogram:
    """Gold numbers of one task."""

    task: str
    low: float
    median: float
    high: float
    unit: str
    bars: tuple[float, ...]
    """Height of each bin, 0 to 1 of the highest."""


def header_facts(questions: Questions) -> list[tuple[str, str]]:
    """(label, value) pairs for the top of the page."""
    manifest, rows = questions.manifest, questions.rows
    settings, scenes = manifest["settings"], manifest["scenes"]
    kept, read = (sum(scene[key] for scene in scenes) for key in ("keyframes", "frames_read"))
    scene_count = len({(row["source"], row["scene_id"]) for row in rows})
    facts = [
        ("Questions", f"{len(rows):,}"),
        ("Tasks", str(len(tasks_present(rows)))),
        ("Scenes", f"{scene_count} ({', '.join(settings['sources'])})"),
        ("Keyframes", f"{kept:,} of {read:,} frames"),
        ("Pictures", ", ".join(sorted(set(settings["pixels"].values())))),
        ("Renderer", settings["renderer"] or "none (real pictures)"),
        ("Version", manifest["version"]),
        ("Seed", str(settings["seed"])),
        ("Config and split", f"{questions.config}/{questions.split}"),
        ("Manifest sha256", questions.manifest_sha256[:16]),
    ]
    if questions.revision:
        facts.append(("Revision", questions.revision[:12]))
    return facts


def letter_balance(rows: Sequence[Row]) -> list[tuple[str, list[Share]]]:
    """(task, how often each letter, or yes and no, is gold) for the tasks with options, and the claims to judge."""
    found = []
    for form, here in rows_by_form(rows).items():
        golds = Counter(rows[i]["answer"] for i in here)
        if form.format_type == "judge":
            found.append((form.short, _shares(golds, ["Yes", "No"])))
        elif rows[here[0]]["options"]:
            found.append((form.short, _shares(golds, [letter for letter in LETTERS if letter <= max(golds)])))
    return found


def shortcut_balance(rows: Sequence[Row]) -> list[tuple[str, list[Share]]]:
    """(task, how often the farther object is higher in the image) for the tasks that compare two objects of a view."""
    found = []
    for task in tasks_present(rows):
        tags = Counter(row["heuristic"] for row in rows if row["task"] == task.name and row["heuristic"])
        if tags:
            found.append((task.short, _shares(tags, TAGS)))
    return found


def gold_histograms(rows: Sequence[Row]) -> list[Histogram]:
    """How the gold numbers spread, of each task whose answer is one number."""
    found = []
    for form, here in rows_by_form(rows).items():
        asked = [rows[i] for i in here if rows[i]["metric"] == "mra"]
        if asked:
            values = np.array([row["answer_value"][0] for row in asked])
            low, median, high = np.quantile(values, [0, 0.5, 1]).tolist()
            steps = np.rint((values - low) / _STEP).astype(int)
            counts = np.bincount(steps // (steps.max() // _MOST_BARS + 1))
            bars = tuple((counts / counts.max()).tolist())
            found.append(Histogram(form.short, low, median, high, asked[0]["unit"][0], bars))
    return found


@dataclass(frozen=True)
class Rejections:
    """Proposals that did not become questions."""

    reasons: list[tuple[str, int]]
    """(reason, count over all tasks), most frequent first."""
    lines: list[tuple[str, list[int], int]]
    """(task, count of each reason, total)."""
    candidates: int
    """Questions that passed every check; the dataset is chosen from them."""

    @property
    def total(self) -> int:
        return sum(count for _, count in self.reasons)


def rejections(manifest: Mapping[str, Any]) -> Rejections:
    """Why proposals were not asked, by task and reason, over all scenes."""
    by_task: Mapping[str, Mapping[str, int]] = manifest["rejected"]
    totals: Counter[str] = Counter()
    for counts in by_task.values():
        totals.update(counts)
    reasons = totals.most_common()
    lines = [
        (task.short, [by_task[name].get(reason, 0) for reason, _ in reasons], sum(by_task[name].values()))
        for name, task in TASKS.items()
        if name in by_task
    ]
    return Rejections(reasons, lines, sum(scene["candidates"] for scene in manifest["scenes"]))


def _shares(counts: Counter[str], names: Sequence[str]) -> list[Share]:
    total = counts.total()
    return [Share(name, counts[name], 100 * counts[name] / total) for name in names]
