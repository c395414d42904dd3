"""How much of a dataset can be answered without looking? Blind strategies on its multiple-choice questions.

    python recipes/blind.py --dataset build/spar --split validation
    python recipes/blind.py --dataset build/bench --split test --train build/spar

Strategies that learn are fitted on the train split of --train (default: the same dataset). Prints, for each task and
strategy, the share of right answers less that of chance, with a 99 % interval clustered by scene, and the same pooled
over tasks; --out keeps all figures. Exit codes: 0 done; 1 failed; 2 bad arguments or input.
"""

import json
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import typer
from numpy.typing import NDArray
from tqdm import tqdm

from builders.command import run_command
from builders.errors import InputError
from builders.hub.files import replacing
from builders.hub.manifest import read_manifest
from builders.spar.choices import LETTERS
from metrics._shared.intervals import FEW_GROUPS, mean_interval
from recipes.blind_strategies import Row, strategies

CONFIDENCE = 0.99
_COLUMNS = ["uid", "source", "scene_id", "task", "format_type", "question", "answer", "options"]

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


class Excess(NamedTuple):
    """Points above chance of one strategy."""

    task: str
    strategy: str
    n: int
    scenes: int
    chance: float
    """Mean of 1 / options, percent."""
    excess: float
    low: float
    high: float
    """Percentage points above chance; the interval is clustered by scene."""


@app.command(help=__doc__)
def main(
    dataset: Annotated[list[Path], typer.Option(metavar="DIR", help="A folder of scripts/build.py. May be repeated.")],
    split: Annotated[str, typer.Option(help="The split to answer.")] = "validation",
    train: Annotated[list[Path], typer.Option(metavar="DIR", help="Where to learn from its train split (default: "
                                              "--dataset). May be repeated.")] = [],  # noqa: B006
    out: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
) -> None:
    answered, learned = select_rows(dataset, split), select_rows(train or dataset, "train")
    if not answered:
        raise InputError(f"{', '.join(map(str, dataset))}: no multiple-choice question in split {split}")
    shared = {(r["source"], r["scene_id"]) for r in answered} & {(r["source"], r["scene_id"]) for r in learned}
    if shared and not train:
        raise InputError(f"scene {sorted(shared)[0]} is in both splits: what is learned there would be remembered")
    figures = excesses(answered, learned)
    print(table(figures))
    if (scenes := max(figure.scenes for figure in figures)) < FEW_GROUPS:
        print(f"Only {scenes} scenes: intervals say little about other scenes ({FEW_GROUPS} or more are needed for a "
              "bootstrap).")
    if out:
        with replacing(out) as temporary:
            temporary.write_text(json.dumps([figure._asdict() for figure in figures], indent=1) + "\n")


def select_rows(folders: list[Path], split: str) -> list[Row]:
    """The multiple-choice rows of a split, without pictures, each once. Scenes of different builds are kept apart."""
    rows: dict[str, Row] = {}
    for number, folder in enumerate(folders):
        for name in read_manifest(folder)["files"]:
            if f"/{split}-" in name and set(_COLUMNS) <= set(pq.read_schema(folder / name).names):
                table = pq.read_table(folder / name, columns=_COLUMNS, filters=[("format_type", "=", "select")])
                for row in table.to_pylist():
                    rows[f"{number}/{row['uid']}"] = row | {"scene_id": f"{number}/{row['scene_id']}"}
    return list(rows.values())


def excesses(answered: list[Row], learned: list[Row]) -> list[Excess]:
    """Every strategy on every task, and pooled over the tasks (task ``all``)."""
    by_task: dict[str, list[Row]] = {}
    for row in answered:
        by_task.setdefault(row["task"], []).append(row)
    figures: list[Excess] = []
    pooled: dict[str, list[tuple[list[Row], NDArray[np.float64]]]] = {}
    for task, rows in tqdm(sorted(by_task.items()), desc="tasks", unit="task"):
        examples = [row for row in learned if row["task"] == task]
        for name, strategy in strategies().items():
            strategy.fit(examples)
            hits = np.array([_share(row, strategy.scores(row)) for row in rows])
            pooled.setdefault(name, []).append((rows, hits))
            if not np.allclose(hits, [1 / len(row["options"]) for row in rows]):  # else it cannot tell options apart
                figures.append(_excess(task, name, rows, hits))
    for name, parts in pooled.items():
        everything = [row for rows, _ in parts for row in rows]
        figures.append(_excess("all", name, everything, np.concatenate([hits for _, hits in parts])))
    return figures


def _share(row: Row, scores: list[float]) -> float:
    """1 if gold has the highest score alone, a part of 1 if it ties, 0 else."""
    best = max(scores)
    picked = [letter for letter, score in zip(LETTERS, scores, strict=False) if score >= best - 1e-9]
    return (row["answer"] in picked) / len(picked)


def _excess(task: str, name: str, rows: list[Row], hits: NDArray[np.float64]) -> Excess:
    scenes = [f"{row['source']}/{row['scene_id']}" for row in rows]
    interval = mean_interval(hits, scenes, confidence=CONFIDENCE)
    chance = float(np.mean([1 / len(row["options"]) for row in rows]))
    low, high = ((bound if bound is not None else float(hits.mean())) for bound in (interval.low, interval.high))
    points = (100 * (value - chance) for value in (float(hits.mean()), low, high))
    return Excess(task, name, len(rows), len(set(scenes)), 100 * chance, *points)


def table(figures: list[Excess]) -> str:
    """One line per task and strategy, the largest excess first."""
    lines = [f"{'task':32s} {'strategy':36s} {'n':>6s} {'scenes':>6s} {'chance':>6s} {'excess':>7s}  99 % interval"]
    order = {task: -max(f.excess for f in figures if f.task == task) for task in {f.task for f in figures}}
    for f in sorted(figures, key=lambda f: (f.task == "all", order[f.task], f.task, -f.excess)):
        lines.append(f"{f.task:32s} {f.strategy:36s} {f.n:6d} {f.scenes:6d} {f.chance:6.1f} {f.excess:+7.2f}  "
                     f"[{f.low:+.2f}, {f.high:+.2f}]")
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(app)
