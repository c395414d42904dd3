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
from recipes.probe.facts import facts_of_dataset, facts_of_table
from recipes.probe.pair_files import IMAGES, PAIRS, write_pairs
from recipes.probe.pairs import ALL_STYLES, PairSettings, make_pairs
from recipes.probe.wording import PUBLISHED, STYLES

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


if __name__ == "__main__":
    run_command(app)
