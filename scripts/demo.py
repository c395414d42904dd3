"""The whole way in one command: build SPAR-Bench from procedural rooms and a sample of SpatialTunnel, load them, score
baselines, write a report.

    python scripts/demo.py --out build/demo

Needs no data and no network. Run it again after an interruption: finished rooms and answers are kept. Exit codes: 0
done; 1 failed; 2 bad arguments or input; 3 done, but some rooms were quarantined (their reasons are on stderr).
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read once, when huggingface_hub is imported
import datasets
from markupsafe import Markup

from builders.command import run_command
from builders.hub.folder import BuildResult, build_folder
from builders.spar.limits import Limits
from builders.spar.spar_bench import SparBench
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel
from recipes.answerers.baselines import BASELINES
from recipes.answerers.yes_no import YES_NO_BASELINES
from recipes.questions import open_questions
from recipes.report import write_report
from recipes.reporting.compare_page import comparison_sections
from recipes.spar_bench import evaluate
from recipes.spatial_tunnel import evaluate as score_tunnel_run
from recipes.spatial_tunnel import open_tunnel

LIMITS = replace(Limits(), max_keyframes=12)
"""Twelve views per room keep the rendering to minutes."""
PER_TASK = 60
TUNNEL = TunnelSettings(resolution=256)
TUNNEL_SCENES = 4

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    out: Annotated[Path, typer.Option(help="The folder for dataset, runs and report.html.")] = Path("build/demo"),
    rooms: Annotated[int, typer.Option(min=1, help="Rooms to make (scenes to take, with --source).")] = 6,
    renderer: Annotated[str, typer.Option(help="cycles, or raycast (fast, plain).")] = "cycles",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one per CPU core.")] = 0,
    source: Annotated[list[str], typer.Option(metavar="NAME[=ROOT]", help="Scenes: procedural, or scannet=FOLDER. "
                                              "May be repeated.")] = ["procedural"],  # noqa: B006
) -> None:
    folder = out / "spar_bench"
    with step("1/5 build", "scenes -> views -> questions with verified answers"):
        built = build(folder, source, rooms, renderer, workers or os.cpu_count() or 1)
    with step("2/5 load", f'datasets.load_dataset("{folder}", split="test")'):
        load_back(folder)
    questions = open_questions(str(folder))
    runs = [out / "runs" / questions.manifest_sha256[:12] / name for name in BASELINES]
    with step("3/5 score", ", ".join(f"baseline:{name}" for name in BASELINES)):
        for run in runs:
            results = evaluate(questions, f"baseline:{run.name}", run, progress=False)
            average = results.metrics["average"]
            print(f"{results.model}: average {average.value:.1f} [{average.low:.1f}, {average.high:.1f}]")
    report = out / "report.html"
    with step("4/5 tunnel", "SpatialTunnel: a sample in plain pictures, and what shortcuts score on it"):
        more = tunnel_sections(out)
    with step("5/5 report", "pictures, questions, answers, scores"):
        write_report(questions, runs, report, more=more)
    print(f"open {report}")
    if built.manifest["quarantined"]:
        raise typer.Exit(3)


@contextmanager
def step(name: str, what: str) -> Iterator[None]:
    """Print what a step does, and its seconds when it is done."""
    print(f"[{name}] {what}", flush=True)
    start = monotonic()
    yield
    print(f"[{name}] {monotonic() - start:.1f} s\n", flush=True)


def build(folder: Path, sources: list[str], rooms: int, renderer: str, workers: int) -> BuildResult:
    """Build, or finish, the benchmark; every scene is used, whatever its split, because nothing is trained here."""
    builder = SparBench(
        sources=tuple(sources), scenes=rooms, bench_scenes="all", per_task=PER_TASK, renderer=renderer, limits=LIMITS
    )
    result = build_folder(builder, folder, workers)
    rows = ", ".join(f"{count} questions in {name}" for name, count in result.manifest["rows"].items())
    print(f"{rows}; {result.reused} of {len(result.manifest['scenes'])} scenes were there already")
    for scene in result.manifest["quarantined"]:
        print(f"quarantined: {scene['source']}/{scene['scene_id']}: {scene['reason']}", file=sys.stderr)
    return result


def tunnel_sections(out: Path) -> Markup:
    """Build a sample of SpatialTunnel, score its baselines, and give the report's sections about it."""
    builder = SpatialTunnel(renderer="raycast", scenes=TUNNEL_SCENES, cell_step=2, roll_cell_step=4, tunnel=TUNNEL)
    built = build_folder(builder, out / "spatial_tunnel")
    print(f"{built.manifest['questions']} questions; {built.reused} of {len(built.manifest['scenes'])} scenes were "
          "there already")
    questions = open_tunnel(str(out / "spatial_tunnel"))
    runs = [out / "tunnel_runs" / questions.manifest_sha256[:12] / name for name in YES_NO_BASELINES]
    for run in runs:
        scores = score_tunnel_run(questions, f"baseline:{run.name}", run, progress=False).metrics
        v, delta, sizes = (scores[name].value for name in (
            "phase_variation/v", "phase_variation/delta", "size_variation/delta_s"))
        print(f"baseline:{run.name}: v {v:.2f}, delta {delta:.2f}, delta_s {sizes:.2f}")
    return comparison_sections(runs)


def load_back(folder: Path) -> None:
    """Load the folder as its users do, through a cache of its own, and decode one picture."""
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        bench = datasets.load_dataset(str(folder), split="test", cache_dir=cache)
        row = bench[0]
        picture = row["image"][0]
        size = f"{picture.width}x{picture.height}" if picture else "referenced, not embedded"
        print(f"{len(bench)} rows; the first: {row['task']}, picture {size}, answer {row['answer']!r}")


if __name__ == "__main__":
    run_command(app)
