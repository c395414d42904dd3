"""Does training data in which height predicts depth make a model that takes height for depth? A worked example.

    python recipes/examples/height_or_depth.py --out build/height_or_depth

Two tiny models of one architecture and one seed learn to answer about pictures of a near and a far square, from
scratch, on a CPU (a few minutes): one sees pictures in which the far square is always the higher one, the other sees
any. Both are then asked about the same new pictures. delta is v where the far square is higher, less v where it is
lower; VD-EI, by recipes/probing.py as for any checkpoint, is how far "above" and "far" are one direction in the hidden
states. The first model should have the larger of both. The same command again keeps the models that are there. Exit
codes: 0 done; 1 failed; 2 bad arguments or input.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from builders.command import run_command
from metrics.shortcut_gap._core import shortcut_gap
from recipes.answerers.settings import LocalSettings
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.answerers.yes_no_tokens import yes_no_tokens
from recipes.examples.lessons import SIDE, STYLE, Lessons, make_lessons
from recipes.examples.tiny_vlm import TinySize, make_tiny
from recipes.examples.training import train
from recipes.probe.analysis import ReportSettings, analyse
from recipes.probe.collect import CollectSettings, collect
from recipes.probe.outcome import write_outcome
from recipes.probe.pair_files import PairFile, read_pairs, write_pairs
from recipes.probe.pairs import Fact, PairSettings, make_pairs
from recipes.probe.wording import OPPOSITE
from recipes.results import Results

KINDS = {"biased": "the far square is always higher", "balanced": "height says nothing about depth"}
SIZE = TinySize(width=64, layers=4, vision_width=64, vision_layers=1, picture=SIDE, patch=8)
_FP32 = LocalSettings(dtype="float32")
_FIGURES = ("coh_horizontal", "coh_vertical", "coh_distance", "vd_ei", "vd_ei_pooled", "accuracy_horizontal",
            "accuracy_vertical", "accuracy_distance")

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    out: Annotated[Path, typer.Option(help="The folder for models, pairs, runs and the report.")],
    steps: Annotated[int, typer.Option(min=1, help="Of training.")] = 400,
    batch: Annotated[int, typer.Option(min=1, help="Pictures of a step, each with five questions.")] = 32,
    rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 2e-3,
    pictures: Annotated[int, typer.Option(min=1, help="To train on.")] = 4000,
    tests: Annotated[int, typer.Option(min=20, help="New pictures to ask about.")] = 400,
    seed: Annotated[int, typer.Option(help="Of pictures, weights and their order.")] = 0,
) -> None:
    from recipes.probe.page import write_report

    exam = make_lessons(tests, biased=False, seed=seed + 1)
    pairs = _pairs(exam, out / "pairs")
    gaps: dict[str, dict[str, Any]] = {}
    runs = {kind: out / "runs" / kind for kind in KINDS}
    for kind, about in KINDS.items():
        model = out / "models" / kind
        if not (model / "chat_template.jinja").exists():
            lessons = make_lessons(pictures, kind == "biased", seed)
            tiny = make_tiny(_texts(exam), SIZE, seed)
            losses = train(tiny, lessons, steps, batch, rate, seed)
            print(f"{kind}: {about}; loss {losses[0]:.2f} to {np.mean(losses[-20:]):.2f}")
            tiny.save(model)
        gaps[kind] = _gap(VisionLanguageModel(str(model), _FP32), exam)
        collect(pairs, str(model), _FP32, runs[kind], CollectSettings(batch_size=256))
    settings = ReportSettings()
    analyses = [analyse(run, settings) for run in runs.values()]
    results = [write_outcome(analysis, settings) for analysis in analyses]
    write_report(analyses, results, [], out)
    print(_table(gaps, dict(zip(KINDS, results, strict=True))))
    print(f"{out}: report.html")


def _texts(lessons: Lessons) -> list[str]:
    asked = [each for number in range(len(lessons.far))
             for each in (*lessons.yes_no(number), *lessons.choices(number), *lessons.which(number))]
    return [text for question_and_answer in asked for text in question_and_answer]


def _pairs(exam: Lessons, folder: Path) -> PairFile:
    """Every picture with a pair of questions on each axis."""
    images = {hashlib.sha256(data).hexdigest()[:16]: data for data in map(exam.png, range(len(exam.far)))}
    facts = []
    for far, near, image_id, categories in zip(exam.far, exam.near, images, exam.categories, strict=True):
        for axis, category in categories.items():
            row = f"{image_id}/{axis}"
            facts += [Fact(f"{row}/far", far, near, category, image_id, image_id),
                      Fact(f"{row}/near", near, far, OPPOSITE[category], image_id, image_id)]
    made = make_pairs(facts, PairSettings((STYLE,), per_category=0))
    dataset = {"repo": "squares", "revision": None, "manifest_sha256": ""}
    write_pairs(folder, made.pairs, images, {"dataset": dataset, "settings": {"styles": [STYLE]},
                                             "left_out": dict(made.left_out)})
    return read_pairs(folder)


def _gap(vlm: VisionLanguageModel, exam: Lessons) -> dict[str, Any]:
    """v, delta and their intervals over the four yes/no questions of each picture."""
    asked = [(number, *each) for number in range(len(exam.far)) for each in exam.yes_no(number)]
    logits = vlm.first_logits([([exam.png(number)], question) for number, question, _ in asked], {})
    margins = yes_no_tokens(vlm.processor, {}).margins(logits).numpy()
    signs = np.array([1 if answer == "Yes" else -1 for _, _, answer in asked])
    tags = ["consistent" if exam.far_is_higher[number] else "counter" for number, _, _ in asked]
    return shortcut_gap(1 / (1 + np.exp(-signs * margins)), tags, groups=[number for number, _, _ in asked])


def _table(gaps: dict[str, dict[str, Any]], results: dict[str, Results]) -> str:
    lines = [f"{'':<22}" + "".join(f"{kind:>28}" for kind in gaps)]
    for name, low, high in (("v", "v_low", "v_high"), ("v_cons", "v_cons_low", "v_cons_high"),
                            ("v_ctr", "v_ctr_low", "v_ctr_high"), ("delta", "low", "high")):
        lines.append(f"{name:<22}" + "".join(_cell(gap[name], gap[low], gap[high]) for gap in gaps.values()))
    for name in _FIGURES:
        held = [result.metrics.get(name) for result in results.values()]
        lines.append(f"{name:<22}" + "".join(_cell(score.value, score.low, score.high) if score else f"{'-':>28}"
                                             for score in held))
    return "\n".join(lines)


def _cell(value: float, low: float, high: float) -> str:
    return f"{f'{value:.3f} [{low:.3f}, {high:.3f}]':>28}"


if __name__ == "__main__":
    run_command(app)
