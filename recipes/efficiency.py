"""Measure what frames and resolution cost: feature extraction, latency of a whole answer, peak memory (SPAR, table 10).

    python recipes/efficiency.py --model Qwen/Qwen2.5-VL-7B-Instruct --set dtype=bfloat16 \\
        --frames 13 --frames 11 --size 448x448 --size 224x224 --out build/efficiency/qwen
    python recipes/efficiency.py --out build/efficiency/qwen --scores build/runs/scanqa_13 --scores build/runs/scanqa_11

Every number of frames is measured at every size, one question at a time, with generated pictures (time depends on their
size, not on what they show) and answers of exactly --new-tokens tokens:

    features_ms    from encoded pictures to what the language model is given of them
    latency_ms     from encoded pictures to the whole answer
    peak_mib       most memory in use while answering, the weights included: on GPUs as torch allocates it, on a CPU
                   that of this process

Each is the median of --repeats, after --warmup that do not count, with its 95 % interval. Writes results.json,
efficiency.csv (with quartiles and tokens) and report.html into --out. --scores names results of recipes/scene_qa.py of
the same model, and prints what they scored at the same frames and size beside the speed; without --model, for what was
measured before. Files are written after each setting, and what they hold is not measured again: delete --out for that.
A setting that does not fit into memory is reported as such. Intervals tell how repeats differ, not what else the
machine was doing: on a CPU that others use as well, times can be many times too long with a narrow interval. Exit
codes: 0 done; 1 failed; 2 bad arguments or input.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from builders.command import run_command
from builders.errors import InputError
from builders.hub.files import replacing
from recipes.answerers.options import Prompts, Set, asking
from recipes.answerers.settings import DEFAULTS
from recipes.measuring import Plan, Setting, measure
from recipes.reporting.html import render, write_page
from recipes.reporting.speed_charts import FIGURES, speed_charts
from recipes.results import FILE_NAME, Results, read_results, write_results

SCORES = ("cider", "bleu_4", "exact_match")
"""Figures of scene_qa that are printed beside the speed."""


def read_scores(folders: Sequence[Path], model: str) -> dict[str, dict[str, float]]:
    """Setting -> figure -> score, of results of scene_qa.

    Raises:
        InputError: not such results, of another model, without their frames and size, or two of one setting.
    """
    found: dict[str, dict[str, float]] = {}
    for folder in folders:
        results = read_results(folder)
        views = results.settings.get("answerer", {}).get("views")
        if results.recipe != "scene_qa" or not views:
            raise InputError(f"--scores {folder}: expected what recipes/scene_qa.py wrote when it asked a model")
        if results.model != model:
            raise InputError(f"--scores {folder}: of {results.model}, while speed was measured of {model}")
        name = Setting(views["frames"], views["size"] or "as stored").name
        own = {f"{results.settings['config']} {key}": results.metrics[key].value for key in SCORES
               if key in results.metrics}
        if found.get(name, {}).keys() & own.keys():
            raise InputError(f"--scores {folder}: a second score at {name}")
        found.setdefault(name, {}).update(own)
    return found


def table(results: Results, scores: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """One line per setting: tokens, figures with their spread, and scores."""
    lines = []
    names = list(dict.fromkeys(name for own in scores.values() for name in own))
    for setting, detail in results.settings["settings"].items():
        line: dict[str, Any] = {"setting": setting, "frames": detail["frames"], "size": detail["size"],
                                "prompt_tokens": detail["prompt_tokens"], "picture_tokens": detail["picture_tokens"]}
        for figure in FIGURES:
            score = results.metrics[f"{setting}/{figure}"]
            first, third = detail[f"{figure}_quartiles"]
            line |= {figure: score.value, f"{figure}_low": score.low, f"{figure}_high": score.high,
                     f"{figure}_q1": first, f"{figure}_q3": third}
        lines.append(line | {"n": results.settings["repeats"]} | {
            name: scores.get(setting, {}).get(name) for name in names})
    return lines


def efficiency_text(results: Results, scores: Mapping[str, Mapping[str, float]]) -> str:
    """The table for the terminal: median and 95 % interval of each figure, and the scores."""
    settings = results.settings
    names = list(dict.fromkeys(name for own in scores.values() for name in own))
    lines = [f"{results.model} on {settings['device']}, {settings['answerer']['dtype']}, {settings['new_tokens']} new "
             f"tokens, {settings['repeats']} repeats", "",
             f"{'frames x size':<16}{'tokens':>7}  " + "".join(f"{label:<28}" for label in FIGURES.values())
             + "".join(f"{name:>20}" for name in names)]
    for line in table(results, scores):
        cells = (f"{line[name]:.1f} [{line[f'{name}_low']:.1f}, {line[f'{name}_high']:.1f}]" for name in FIGURES)
        own = ("-" if line[name] is None else f"{line[name]:.1f}" for name in names)
        lines.append(f"{line['setting']:<16}{line['prompt_tokens']:>7}  " + "".join(f"{cell:<28}" for cell in cells)
                     + "".join(f"{cell:>20}" for cell in own))
    if settings["out_of_memory"]:
        lines += ["", f"Out of memory: {', '.join(settings['out_of_memory'])}"]
    if unmatched := scores.keys() - settings["settings"].keys():
        lines += ["", f"Scores at settings that were not measured: {', '.join(sorted(unmatched))}"]
    return "\n".join(lines)


def write_all(out: Path, results: Results, scores: Mapping[str, Mapping[str, float]]) -> None:
    """results.json, the table as CSV, and the page."""
    write_results(out, results)
    lines = table(results, scores)
    with replacing(out / "efficiency.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    write_page(render("efficiency.html.jinja", results=results, lines=lines, figures=FIGURES,
                      charts=speed_charts([(results.model, results.metrics)], FIGURES),
                      scores=list(dict.fromkeys(name for own in scores.values() for name in own))), out / "report.html")


app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    out: Annotated[Path, typer.Option(help="The folder for results.json, efficiency.csv and report.html.")],
    model: Annotated[str, typer.Option(help="A Hub id or a folder (families of AutoModelForImageTextToText). Without "
                                       "it: what --out holds.")] = "",
    frames: Annotated[list[int], typer.Option(help="Pictures of a question; may be repeated.")] = [13, 11],  # noqa: B006
    size: Annotated[list[str], typer.Option(metavar="WIDTHxHEIGHT", help="Of the pictures; may be "
                                            "repeated.")] = ["448x448", "224x224"],  # noqa: B006
    repeats: Annotated[int, typer.Option(help="Measurements of each setting.")] = Plan.repeats,
    warmup: Annotated[int, typer.Option(help="Rounds before them that do not count.")] = Plan.warmup,
    new_tokens: Annotated[int, typer.Option(help="Length of an answer; the paper does not say its own.")]
    = Plan.new_tokens,
    scores: Annotated[list[Path], typer.Option(metavar="DIR", help="Results of recipes/scene_qa.py, or their "
                                               "results.json; may be repeated.")] = [],  # noqa: B006
    prompts: Prompts = DEFAULTS.prompts,
    set_: Set = [],  # noqa: B006
) -> None:
    folders = [path.parent if path.name == FILE_NAME else path for path in scores]
    settings = asking(prompts, set_)
    if settings.max_new_tokens != DEFAULTS.max_new_tokens:
        raise InputError("--set max_new_tokens: here --new-tokens says how long an answer is")
    if model:
        plan = Plan(tuple(Setting(count, one) for one in size for count in frames), repeats, warmup, new_tokens)
        found = read_scores(folders, model)  # before the measuring
        before = read_results(out) if (out / FILE_NAME).is_file() else None
        for results in measure(model, plan, settings, before=before):
            write_all(out, results, found)
    else:
        results = read_results(out)
        if results.recipe != "efficiency":
            raise InputError(f"{out}: holds results of {results.recipe}; give another --out, or a --model to measure")
        found = read_scores(folders, results.model)
        write_all(out, results, found)
    print(efficiency_text(results, found))
    print(f"{out}: {FILE_NAME}, efficiency.csv, report.html")


if __name__ == "__main__":
    run_command(app)
