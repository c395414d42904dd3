"""Write a dataset as conversations in JSON Lines with its pictures beside them, as trainers read it.

    python recipes/export.py --dataset build/spar_7m --split train --out build/conversations
    python recipes/export.py --dataset build/spar_7m --split train --task depth_prediction_oc --form llava \\
        --markers clean --out build/depth

Writes conversations.jsonl (a line per row, in the dataset's order) and images/ (each picture once, named after its
content). Every line has as many <image> placeholders as pictures. --form says for whom:

    sharegpt   conversations (from, value) and images: LLaMA-Factory, whose dataset_info.json is written, too
    llava      id, image (a list) and conversations: LLaVA-NeXT (which takes JSON Lines when its --data_path is a
               YAML list of files), InternVL and others of that family
    messages   messages (role, content) and images: ms-swift

Markers that a question names are drawn into the pictures (--markers burnt), as spar_bench has them anyway; clean leaves
the pictures as they are. Paths are relative to --out: give that folder as the trainer's folder of pictures (media_dir,
image_folder, ROOT_IMAGE_DIR). The same command gives the same bytes; killed, it starts again and writes no picture
twice. Exit codes: 0 done; 1 failed; 2 bad arguments or input; 3 done, but rows were left out (how many, and why, is
said, and stands in export.json).
"""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import datasets
import typer
from PIL import Image
from tqdm import tqdm

from builders.command import run_command
from builders.errors import InputError
from builders.hub.files import replacing
from builders.scenes import open_source
from builders.spar.attach import ScanViews
from builders.spar.pictures import with_markers
from recipes.answerers.prompts import FORMS as PROMPTS
from recipes.answerers.prompts import prompt_of
from recipes.questions import WITHOUT_QUESTIONS, Located, Row, locate
from recipes.shortcut_questions import in_common_form

PLACEHOLDER = "<image>"
LINES, RECORD = "conversations.jsonl", "export.json"

Made = dict[str, Any]


def _turns(names: tuple[str, str], roles: tuple[str, str], texts: tuple[str, str]) -> list[Made]:
    return [{names[0]: role, names[1]: text} for role, text in zip(roles, texts, strict=True)]


def _sharegpt(uid: str, texts: tuple[str, str], images: list[str]) -> Made:
    return {"conversations": _turns(("from", "value"), ("human", "gpt"), texts), "images": images}


def _llava(uid: str, texts: tuple[str, str], images: list[str]) -> Made:
    return {"id": uid, "image": images, "conversations": _turns(("from", "value"), ("human", "gpt"), texts)}


def _messages(uid: str, texts: tuple[str, str], images: list[str]) -> Made:
    return {"messages": _turns(("role", "content"), ("user", "assistant"), texts), "images": images}


FORMS: dict[str, Callable[[str, tuple[str, str], list[str]], Made]] = {
    "sharegpt": _sharegpt, "llava": _llava, "messages": _messages,
}
"""``--form`` -> (id, (question, answer), paths) -> line."""

DATASET_INFO = {"vantage": {"file_name": LINES, "formatting": "sharegpt",
                            "columns": {"messages": "conversations", "images": "images"}}}
"""How LLaMA-Factory is told of the file."""


class _LeftOut(Exception):
    """A row that cannot be a conversation."""


class _Pictures:
    """Pictures written below a folder, each once, under names made of their content alone."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.names: set[str] = set()

    def write(self, data: bytes) -> str:
        """Its path, relative to the root."""
        digest = hashlib.sha256(data).hexdigest()[:32]
        name = f"images/{digest[:2]}/{digest}.{_kind(data)}"
        if name not in self.names and not (self._root / name).is_file():
            with replacing(self._root / name) as temporary:
                temporary.write_bytes(data)
        self.names.add(name)
        return name


def _kind(data: bytes) -> str:
    return {"JPEG": "jpg"}.get(kind := _opened(data).format or "", kind.lower())


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data))
    except (OSError, ValueError, SyntaxError) as error:
        raise _LeftOut("a picture cannot be read") from error


def rows_of(held: Located) -> Iterator[Row]:
    """The rows, streamed, each picture encoded as it is stored."""
    files = [str(path) for path in held.files]
    stream = datasets.load_dataset("parquet", data_files=files, split="train", streaming=True)
    yield from stream.decode(False)


def _views(row: Row, scans: Mapping[str, ScanViews], markers: str) -> list[bytes]:
    """The row's pictures in order, from your own scans where the row only refers to them; with markers if wanted."""
    held = row["image"] if isinstance(row["image"], list) else [row["image"]]
    found = [view and view["bytes"] for view in held]
    is_drawn = "id" in row  # spar_bench draws markers, spar_7m does not
    if None in found and row.get("source") in scans:
        is_drawn = False
        place, pictures = (row["source"], row["scene_id"]), scans[row["source"]]
        found = [(pictures.image(*place, frame_id) or {}).get("bytes") for frame_id in row["frame_ids"]]
    if not found or None in found:
        raise _LeftOut("its pictures are referred to, not held (--source NAME=ROOT puts them back)")
    if is_drawn or markers == "clean" or not any(item.get("color") for item in row.get("objects") or ()):
        return found
    try:
        return [view["bytes"] for view in with_markers(row, [(data, _opened(data)) for data in found])]
    except OSError as error:  # cut off: its head could be read
        raise _LeftOut("a picture cannot be read") from error


def _line(row: Row, form: str, markers: str, prompts: str, scans: Mapping[str, ScanViews], pictures: _Pictures) -> Made:
    row = in_common_form(row)
    question, answer = prompt_of(row, prompts).strip(), row["answer"]
    if not row["question"] or not answer:
        raise _LeftOut("it has no question or no answer")
    if PLACEHOLDER in question + answer:
        raise _LeftOut(f"its text holds {PLACEHOLDER}")
    images = [pictures.write(data) for data in _views(row, scans, markers)]
    return FORMS[form](row["uid"], (f"{PLACEHOLDER}\n" * len(images) + question, answer), images)


def export(
    dataset: str, out: Path, *, form: str = "sharegpt", markers: str = "burnt", revision: str | None = None,
    config: Sequence[str] = (), split: str = "train", tasks: Sequence[str] = (), prompts: str = "bare", limit: int = 0,
    sources: Sequence[str] = (), progress: bool = True,
) -> Made:
    """Write the conversations; arguments as the command's options.

    Returns:
        What ``export.json`` says: the options, the dataset, and how many lines, pictures and rows left out by reason.

    Raises:
        InputError: an unknown word, no such dataset or task, nothing to write, or ``out`` holds another export.
    """
    for option, value, known in (("form", form, FORMS), ("markers", markers, ("burnt", "clean")),
                                 ("prompts", prompts, PROMPTS)):
        if value not in known:
            raise InputError(f"--{option} {value}: expected one of: {', '.join(known)}")
    held = locate(dataset, revision, config, split)
    if wrong := [name for name in held.configs if name in WITHOUT_QUESTIONS]:
        raise InputError(f"--config {wrong[0]}: holds no questions")
    if markers == "clean" and held.manifest["dataset"] == "spar_bench":
        raise InputError("--markers clean: the pictures of spar_bench have their markers drawn in; build spar_7m, "
                         "whose markers are data")
    settings = held.manifest.get("settings", {})
    opened = [open_source(spec, settings.get("seed") or 0, settings.get("renderer") or "raycast") for spec in sources]
    scans = {source.name: ScanViews(source) for source in opened}
    record: Made = {"dataset": dataset, "revision": held.commit, "manifest_sha256": held.manifest_sha256,
              "configs": list(held.configs), "split": split, "tasks": sorted(set(tasks)), "form": form,
              "markers": markers, "prompts": prompts, "limit": limit}
    _claim(out, record)
    pictures, left_out, found, lines = _Pictures(out), Counter[str](), Counter[str](), 0
    with replacing(out / LINES) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        total = sum(held.manifest["rows"][f"{name}/{split}"] for name in held.configs)
        for row in tqdm(rows_of(held), total=total, desc="conversations", unit="row", disable=not progress):
            found[row.get("task") or ""] += 1
            if tasks and row.get("task") not in tasks:
                continue
            try:
                line = _line(row, form, markers, prompts, scans, pictures)
            except _LeftOut as reason:
                left_out[str(reason)] += 1
                continue
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            lines += 1
            if lines == limit:
                break
        if not (limit and lines == limit) and (absent := set(tasks) - found.keys()):
            _release(out)
            raise InputError(f"--task {min(absent)}: {dataset} ({held.config}/{split}) has: {', '.join(sorted(found))}")
        if not lines:
            _release(out)
            raise InputError(f"{dataset}: no row could be written ({dict(left_out) or 'there are none'})")
    if form == "sharegpt":
        _write_json(out / "dataset_info.json", DATASET_INFO)
    record = record | {"lines": lines, "pictures": len(pictures.names), "left_out": dict(left_out)}
    _write_json(out / RECORD, record)
    return record


def _claim(out: Path, record: Made) -> None:
    """Note what the folder is for, so that nothing else is written into it."""
    path = out / RECORD
    try:
        before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else record
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); choose another --out") from error
    if not isinstance(before, dict):
        raise InputError(f"{path}: not what an export writes; choose another --out")
    if differing := [key for key in record if before.get(key) != record[key]]:
        raise InputError(f"{out}: holds an export with other {', '.join(differing)}; choose another --out")
    _write_json(path, record)


def _release(out: Path) -> None:
    """Let the folder be taken for something else, as it holds no conversations."""
    if not (out / LINES).exists():
        (out / RECORD).unlink()


def _write_json(path: Path, held: Made) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    dataset: Annotated[str, typer.Option(metavar="DIR_OR_REPO", help="A folder of scripts/build.py, or ORG/NAME.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    form: Annotated[str, typer.Option(help="sharegpt, llava or messages.")] = "sharegpt",
    markers: Annotated[str, typer.Option(help="burnt: drawn into the pictures; clean: left out.")] = "burnt",
    revision: Annotated[str, typer.Option(help="Of a Hub repository: tag, branch or commit.")] = "",
    config: Annotated[list[str], typer.Option(help="Of the dataset; may be repeated. Default: its config default, or "
                                              "where it has none (SPAR-7M) all that hold questions.")] = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="Of the dataset.")] = "train",
    task: Annotated[list[str], typer.Option(help="Only rows of this task; may be repeated.")] = [],  # noqa: B006
    prompts: Annotated[str, typer.Option(metavar="FORM", help=f"What is asked: {', '.join(PROMPTS)} (the question "
                                         "alone).")] = "bare",
    limit: Annotated[int, typer.Option(min=0, help="Only the first so many; 0: all.")] = 0,
    source: Annotated[list[str], typer.Option(metavar="NAME=ROOT", help="Your copy of the scans, for pictures that the "
                                              "dataset only refers to. May be repeated.")] = [],  # noqa: B006
) -> None:
    made = export(dataset, out, form=form, markers=markers, revision=revision or None, config=config, split=split,
                  tasks=task, prompts=prompts, limit=limit, sources=source)
    print(f"{out}: {LINES} ({made['lines']} conversations), images ({made['pictures']} pictures), {RECORD}")
    for reason, count in made["left_out"].items():
        print(f"left out: {count} rows: {reason}", file=sys.stderr)
    if made["left_out"]:
        raise typer.Exit(3)


if __name__ == "__main__":
    run_command(app)
