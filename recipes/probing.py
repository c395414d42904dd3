"""Contrastive probing: does a model hold left/right, above/below and far/close apart in its hidden states?

A question and its swapped partner (the two objects change places) differ in the answer alone, and so should the model's
hidden states: delta = h(swapped) - h(original). Coherence says how well the deltas of an axis agree on a direction,
VD-EI how far "above" and "far" are one direction. Stages, each from the files of the one before:

    python recipes/probing.py pairs --dataset build/tunnel --out build/pairs
    python recipes/probing.py collect --pairs build/pairs --model Qwen/Qwen2.5-VL-3B-Instruct --out build/probe/qwen
    python recipes/probing.py report build/probe/qwen --out build/probe/qwen

Exit codes: 0 done; 1 failed; 2 bad arguments or input.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from builders.errors import InputError
from builders.settings import apply_settings, settable
from recipes.answerers.settings import LocalSettings
from recipes.probe.analysis import ReportSettings, analyse
from recipes.probe.collect import CollectSettings
from recipes.probe.facts import facts_of_dataset, facts_of_table
from recipes.probe.layers import LayerRule
from recipes.probe.outcome import LAYERS, outcome_text, write_outcome
from recipes.probe.pair_files import IMAGES, PAIRS, read_pairs, write_pairs
from recipes.probe.pairs import ALL_STYLES, PairSettings, make_pairs
from recipes.probe.state_files import DTYPES
from recipes.probe.wording import PUBLISHED, STYLES
from recipes.results import read_results

_NOT_SET = ("token_variants",)

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.callback(help=__doc__)
def main() -> None:
    """One program with a command for each stage."""


@app.command()
def pairs(
    out: Annotated[Path, typer.Option(help=f"The folder for {PAIRS} and {IMAGES}.")],
    dataset: Annotated[str, typer.Option(metavar="DIR_OR_REPO", help="spatial_tunnel or embspatial_tagged.")] = "",
    table: Annotated[Path | None, typer.Option(metavar="FILE", help="Instead: a Parquet, JSON or TSV file with "
                                               "image, first, second, category; or a published SpatialTunnel or "
                                               "EmbSpatial-Bench file.")] = None,
    revision: Annotated[str, typer.Option(help="Of a Hub repository: tag, branch or commit.")] = "",
    config: Annotated[str, typer.Option(help="Of the dataset (default: contrastive_probing, or default).")] = "",
    split: Annotated[str, typer.Option(help="Of the dataset.")] = "test",
    style: Annotated[list[str], typer.Option(help=f"Wording: {', '.join(STYLES)}, or {ALL_STYLES}; may be repeated "
                                             f"(default: {PUBLISHED}).")] = [],  # noqa: B006
    per_category: Annotated[int, typer.Option(help="Facts of each category, at most; 0: all.")] = 200,
    mirrored: Annotated[str, typer.Option(help="Of two rows that are each other's swap: drop one, or keep both.")
                        ] = "drop",
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
) -> None:
    """Make pairs of questions: original and swapped."""
    if bool(dataset) == bool(table):
        raise InputError("give --dataset DIR_OR_REPO or --table FILE, one of the two")
    styles = tuple(STYLES) if ALL_STYLES in style else tuple(dict.fromkeys(style)) or (PUBLISHED,)
    settings = PairSettings(styles, per_category, mirrored, seed)
    found = (facts_of_table(table, seed) if table else
             facts_of_dataset(dataset, revision or None, config, split, seed))
    made = make_pairs(found.facts, settings)
    left_out = found.left_out + made.left_out
    if not made.pairs:
        raise InputError(f"{dataset or table}: no pairs are left ({dict(left_out)})")
    write_pairs(out, made.pairs, found.images, {"dataset": found.dataset, "settings": asdict(settings),
                                                "left_out": dict(left_out)})
    counts = {category: sum(pair.category == category and pair.style == styles[0] for pair in made.pairs)
              for category in sorted({pair.category for pair in made.pairs})}
    print(f"{len(made.pairs)} pairs ({', '.join(f'{count} {name}' for name, count in counts.items())}; wording: "
          f"{', '.join(styles)}) on {len({pair.image_id for pair in made.pairs})} pictures")
    if left_out:
        print("left out: " + ", ".join(f"{count} {reason}" for reason, count in left_out.most_common()))
    print(f"{out}: {PAIRS}, {IMAGES}")


@app.command()
def collect(
    pairs: Annotated[Path, typer.Option(metavar="DIR", help=f"A folder with {PAIRS} and {IMAGES}.")],
    model: Annotated[str, typer.Option(help="A Hub id or a folder (families of AutoModelForImageTextToText).")],
    out: Annotated[Path, typer.Option(help="The folder of the run. Give the same one to go on after an interruption, "
                                      "and to several processes (one for each GPU) that share the work.")],
    layers: Annotated[str, typer.Option(help="all, or 0-based decoder layers as in 0,10-20,24-34:2.")] = "all",
    batch_size: Annotated[int, typer.Option(min=1, help="Prompts at once.")] = CollectSettings.batch_size,
    store: Annotated[str, typer.Option(help="float16, float32, or auto: as wide as the model computes.")] = "auto",
    rows_per_shard: Annotated[int, typer.Option(min=1, help="Pairs of a shard.")] = CollectSettings.rows_per_shard,
    limit: Annotated[int, typer.Option(min=0, help="Only the first so many pairs; 0: all.")] = 0,
    shard_index: Annotated[int, typer.Option(min=0, help="Of this process, where the disk knows no locks.")] = 0,
    num_shards: Annotated[int, typer.Option(min=1, help="Processes, where the disk knows no locks.")] = 1,
    set_: Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="How the model runs: " + ", ".join(
        f"{key}={value}" for key, value in settable(LocalSettings(), _NOT_SET).items()) + ". May be repeated.")
                    ] = [],  # noqa: B006
) -> None:
    """Collect a model's hidden states: last prompt token, raw output of decoder layers, nothing generated."""
    from recipes.probe.collect import collect as run

    local = LocalSettings(**apply_settings(LocalSettings(), set_, _NOT_SET))
    settings = CollectSettings(layers, batch_size, rows_per_shard, store, limit, shard_index, num_shards)
    done = run(read_pairs(pairs), model, local, out, settings)
    print(", ".join(f"{count} {what}" for what, count in done.counts.items()) or "nothing was left to do")
    missing = len(done.folder.missing())
    print(f"{out}: {done.folder.index.n_shards - missing} of {done.folder.index.n_shards} shards"
          + (f"; {missing} are made elsewhere, or wait for the same command" if missing else ""))


@app.command("import")
def import_(
    states: Annotated[Path, typer.Option(metavar="FILE", help="npz or safetensors with orig_L0, swap_L0 and so on, or "
                                         "delta_L0; npz also with categories_L0.")],
    model: Annotated[str, typer.Option(help="The name to report.")],
    out: Annotated[Path, typer.Option(help="The folder of the run.")],
    pairs: Annotated[Path | None, typer.Option(metavar="DIR", help="The pairs that they were recorded for.")] = None,
    n_layers: Annotated[int, typer.Option(min=0, help="Of the model; 0: up to the deepest layer recorded.")] = 0,
    store: Annotated[str, typer.Option(help="float16 or float32.")] = "float32",
) -> None:
    """Take in hidden states that were recorded elsewhere."""
    from recipes.probe.recorded import import_states

    if store not in DTYPES:
        raise InputError(f"--store {store}: expected {' or '.join(DTYPES)}")
    done = import_states(states, model, out, read_pairs(pairs) if pairs else None, n_layers, store)
    index = done.folder.index
    print(f"{out}: {index.n_rows} pairs, {len(index.layers)} layers of {index.n_layers}, width {index.width}")
    if done.n_not_finite:
        print(f"{done.n_not_finite} pairs have NaN or an infinite state; the report leaves them out")
    if done.small:
        print(f"fewer than two pairs: {', '.join(done.small)}")


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of `collect` or `import`.")],
    out: Annotated[Path, typer.Option(help="The folder for report.html and figures/; each run's folder gets its "
                                      "results.json and layers.csv.")],
    scores: Annotated[list[Path], typer.Option(metavar="DIR", help="Results of recipes/shortcut_splits.py for the same "
                                               "models, to hold counter accuracy against Coh_D; may be repeated.")
                      ] = [],  # noqa: B006
    layer: Annotated[int, typer.Option(help="0-based; -1: by the paper's rule.")] = -1,
    permutations: Annotated[int, typer.Option(min=0, help="Of the null; 0: none.")] = 999,
    set_: Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="The rule for the layer: " + ", ".join(
        f"{key}={value}" for key, value in settable(LayerRule()).items()) + ". May be repeated.")] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Of the permutations.")] = 0,
) -> None:
    """Measure runs: figures of each layer, results.json, one page for all."""
    from recipes.probe.page import FIGURE_FOLDER, REPORT, write_report

    settings = ReportSettings(layer, permutations, seed, LayerRule(**apply_settings(LayerRule(), set_)))
    analyses = [analyse(run, settings) for run in runs]
    results = [write_outcome(analysis, settings) for analysis in analyses]
    for result in results:
        print(outcome_text(result) + "\n")
    count = write_report(analyses, results, [read_results(folder) for folder in scores], out)
    print(f"{out}: {REPORT}, {count} figures in {FIGURE_FOLDER}/; in each run: results.json, {LAYERS}")


if __name__ == "__main__":
    run_command(app)
