"""Does training data in which height predicts depth make a model that takes height for depth? A worked example.

    python recipes/examples/height_or_depth.py --out build/height_or_depth

Two tiny models of one architecture and one seed learn to answer about pictures of the tunnel, from scratch, on a CPU
(some minutes each): one sees pictures in which the farther object is always the higher one, the other sees any. Then
both go through the recipes as any checkpoint does: recipes/spatial_tunnel.py says by how much each leans on height
(delta), and recipes/probing.py whether "above" and "far" are one direction in its hidden states (VD-EI). The first
should have a positive delta and the higher VD-EI. The same command again goes on where it was. Exit codes: 0 done; 1
failed; 2 bad arguments or input.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from builders.hub.folder import build_folder
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel
from recipes import spatial_tunnel
from recipes.answerers.settings import AnswererSettings, LocalSettings
from recipes.examples.tiny_vlm import TinySize, make_tiny
from recipes.examples.training import train
from recipes.examples.tunnel_lessons import make_lessons, words
from recipes.probe.analysis import ReportSettings, analyse
from recipes.probe.collect import CollectSettings, collect
from recipes.probe.facts import facts_of_dataset
from recipes.probe.outcome import write_outcome
from recipes.probe.pair_files import PAIRS, read_pairs, write_pairs
from recipes.probe.pairs import PairSettings, make_pairs
from recipes.results import read_results

KINDS = {"biased": "the farther object is always higher", "balanced": "height says nothing about depth"}
FP32 = LocalSettings(dtype="float32")

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    out: Annotated[Path, typer.Option(help="The folder for models, test data, runs and the report.")],
    steps: Annotated[int, typer.Option(min=1, help="Of training.")] = 600,
    batch: Annotated[int, typer.Option(min=1, help="Pictures of a step, each with nine questions.")] = 32,
    rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 3e-3,
    lessons: Annotated[int, typer.Option(min=1, help="Pictures to train on.")] = 4000,
    seed: Annotated[int, typer.Option(help="Of pictures, weights and their order.")] = 0,
    only: Annotated[str, typer.Option(help="Train and test this kind alone: biased or balanced.")] = "",
) -> None:
    from recipes.probe.page import write_report

    size = TinySize()
    tunnel = _test_data(out, size)
    kinds = [kind for kind in KINDS if only in ("", kind)]
    for kind in kinds:
        model = out / "models" / kind
        if not (model / "chat_template.jinja").exists():
            shown = make_lessons(lessons, kind == "biased", size.picture, seed)
            tiny = make_tiny([*(text for asked in shown.questions for text in asked), words()], size, seed)
            losses = train(tiny, shown, steps, batch, rate, seed)
            print(f"{kind}: {KINDS[kind]}; loss {losses[0]:.2f} to {sum(losses[-20:]) / len(losses[-20:]):.2f}")
            tiny.save(model)
        questions = spatial_tunnel.open_tunnel(str(tunnel), configs=["phase_variation"])
        spatial_tunnel.evaluate(questions, str(model), out / "tunnel_runs" / kind, asking=AnswererSettings(local=FP32))
        run = out / "probing_runs" / kind
        collect(read_pairs(out / "pairs"), str(model), FP32, run, CollectSettings(batch_size=256))
    settings = ReportSettings()
    analyses = [analyse(out / "probing_runs" / kind, settings) for kind in kinds]
    results = [write_outcome(analysis, settings) for analysis in analyses]
    write_report(analyses, results, [], out)
    _print(out, kinds)


def _test_data(out: Path, size: TinySize) -> Path:
    """A tunnel with new scenes, and the pairs to probe with."""
    tunnel = out / "tunnel"
    build_folder(SpatialTunnel("phase_variation", renderer="raycast", phase_scenes=4, cell_step=2, size_scenes=1,
                               horizontal_scenes=1, probing_per_category=200, seed=1,
                               tunnel=TunnelSettings(resolution=size.picture)), tunnel)
    if not (out / "pairs" / PAIRS).exists():
        found, chosen = facts_of_dataset(str(tunnel)), PairSettings(per_category=0)
        write_pairs(out / "pairs", make_pairs(found.facts, chosen).pairs, found.images,
                    {"dataset": found.dataset, "settings": asdict(chosen), "left_out": dict(found.left_out)})
    return tunnel


def _print(out: Path, kinds: list[str]) -> None:
    rows = {"tunnel_runs": ["v", "v_cons", "v_ctr", "delta", "accuracy"],
            "probing_runs": ["coh_horizontal", "coh_vertical", "coh_distance", "vd_ei", "vd_ei_pooled",
                             "accuracy_horizontal", "accuracy_vertical", "accuracy_distance"]}
    print(f"{'':<22}" + "".join(f"{kind:>28}" for kind in kinds))
    for folder, names in rows.items():
        held = [read_results(out / folder / kind).metrics for kind in kinds]
        for name in names:
            scores = [metrics.get(name) or metrics.get(f"phase_variation/{name}") for metrics in held]
            shown = [f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]" if score else "-" for score in scores]
            print(f"{name:<22}" + "".join(f"{text:>28}" for text in shown))
    print(f"{out}: report.html")


if __name__ == "__main__":
    run_command(app)
