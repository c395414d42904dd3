"""Export a config of a built SpatialTunnel in the published form: TSV with index, image, question, answer.

    python scripts/tunnel_tsv.py build/tunnel --config phase_variation --out phase_variation.tsv

Images are base64 of the PNG, one line per question. Our other columns are left out: readers of the published files take
exactly these four. Exit codes: 0 done; 1 failed; 2 bad arguments or input.
"""

import csv
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import typer
from tqdm import tqdm

from builders.command import run_command
from builders.errors import InputError
from builders.hub.files import replacing
from builders.hub.manifest import read_manifest

COLUMNS = ("index", "image", "question", "answer")
_ROWS_AT_ONCE = 64

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder made by scripts/build.py spatial_tunnel.")],
    config: Annotated[str, typer.Option(help="Which config.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")],
) -> None:
    count = write_tsv(folder, config, out)
    print(f"{out}: {count} rows")


def write_tsv(folder: Path, config: str, out: Path) -> int:
    """Write the file and return its number of rows; it appears under its name only when complete."""
    manifest = read_manifest(folder)
    held = {name.split("/")[0]: rows for name, rows in manifest["rows"].items()}
    if manifest["dataset"] != "spatial_tunnel":
        raise InputError(f"{folder}: holds {manifest['dataset']}, not spatial_tunnel")
    if config not in held:
        raise InputError(f"--config {config}: {folder} has {', '.join(held)}")
    shards = [folder / name for name in manifest["files"] if name.startswith(f"{config}/")]
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in tqdm(_rows(shards), total=held[config], desc=config, unit="row", disable=None):
            writer.writerow([row["index"], b64encode(row["image"]["bytes"]).decode("ascii"), row["question"],
                             row["answer"]])
    return held[config]


def _rows(shards: list[Path]) -> Iterator[dict[str, Any]]:
    """Rows in order; a few are in memory at a time."""
    for path in shards:
        with pq.ParquetFile(path) as shard:
            for batch in shard.iter_batches(_ROWS_AT_ONCE, columns=list(COLUMNS)):
                yield from batch.to_pylist()


if __name__ == "__main__":
    run_command(app)
