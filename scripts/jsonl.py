"""SPAR-7M's published JSONL tree: write a built folder as one, or read one into a folder that load_dataset reads.

    python scripts/jsonl.py export build/spar_7m --out build/jsonl
    python scripts/jsonl.py export build/spar_7m --out build/jsonl --source scannet=/data/scannet/scans
    python scripts/jsonl.py import build/jsonl --out build/again

The tree is what trainers of the released data expect: spar/<source>/images, spar/<source>/qa_jsonl/{train,val}/<task>/
<format>/<format>_<rows>.jsonl, and the index data_jsons/*.json. What the published records cannot hold goes with each
of ours under the key "vantage", which other readers pass over: export and import give the same rows.

Exit codes: 0 done; 1 failed; 2 bad arguments or input; 3 done, but some lines were malformed (all of them are in
DIR/malformed.txt) or some scans could not be read.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from builders.hub.manifest import read_manifest
from builders.scenes import open_source
from builders.spar.jsonl.conversion import GUESSED, LOST
from builders.spar.jsonl.export import export_jsonl
from builders.spar.jsonl.read import import_jsonl

_SHOWN = 20

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, no_args_is_help=True,
                  pretty_exceptions_enable=False)


@app.command("export")
def export_command(
    folder: Annotated[Path, typer.Argument(help="A folder of spar_7m or spar_bench made by scripts/build.py, or by "
                                           "the import below.")],
    out: Annotated[Path, typer.Option(help="The tree to make; new or empty.")],
    source: Annotated[list[str], typer.Option(metavar="NAME=ROOT", help="Your copy of the scans, for pictures that "
                                              "the folder only refers to. May be repeated.")] = [],  # noqa: B006
    config: Annotated[str, typer.Option(help="This config only (default: all tasks; of a benchmark, default).")] = "",
    plain: Annotated[bool, typer.Option("--plain", help='Leave out the key "vantage": records hold what the published '
                                        "ones hold, and import cannot give the rest back.")] = False,
) -> None:
    """Write a built folder as the published tree. Markers are not drawn: they are data, as in the release."""
    seed, renderer = 0, "raycast"
    if (folder / "manifest.json").is_file():
        settings = read_manifest(folder).get("settings", {})
        seed, renderer = settings.get("seed", seed), settings.get("renderer") or renderer
    opened = [open_source(spec, seed, renderer) for spec in source]
    result = export_jsonl(folder, out, {scenes.name: scenes for scenes in opened}, plain, config)
    print(f"{out}: {result.rows} records in {result.files} files, {result.pictures} pictures")
    if result.missing:
        print(f"  {len(result.missing)} pictures are named in records but not in the tree, the first: "
              f"{result.missing[0]}; give the scans with --source NAME=ROOT, or put them there")
    for problem in result.unreadable:
        print(f"not read: {problem}", file=sys.stderr)
    if result.unreadable:
        raise typer.Exit(3)


def _import_help() -> str:
    lost, guessed = ("\n\n\b\n" + "\n".join(f"  {column}: {what}" for column, what in columns.items())
                     for columns in (LOST, GUESSED))
    return ("Read such a tree, ours or the released one, into a folder with one config per task.\n\nRecords without "
            f"the key \"vantage\" lack these columns:{lost}\n\nThese are derived:{guessed}")


@app.command("import", help=_import_help())
def import_command(
    tree: Annotated[Path, typer.Argument(help="The folder that holds spar/, or spar itself.")],
    out: Annotated[Path, typer.Option(help="The folder to make; new or empty.")],
    pixels: Annotated[str, typer.Option(help="embedded, referenced, or auto: embeds what may be passed on.")] = "auto",
) -> None:
    result = import_jsonl(tree, out, pixels)
    print(f"{out}: {result.rows.total()} rows")
    for name, rows in result.rows.items():
        print(f"  {name}: {rows} rows")
    if result.missing_pictures:
        wanted = result.missing_pictures + result.pictures
        print(f"  {result.missing_pictures} of {wanted} pictures are not in the tree; those rows keep frame ids")
    for note in result.notes:
        print(f"  note: {note}")
    for line in result.malformed[:_SHOWN]:
        print(line, file=sys.stderr)
    if result.malformed:
        print(f"{len(result.malformed)} lines or files left out; all of them: {out}/malformed.txt", file=sys.stderr)
        raise typer.Exit(3)


if __name__ == "__main__":
    run_command(app)
