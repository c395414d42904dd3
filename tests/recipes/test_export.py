"""Conversations as trainers read them: by ``load_dataset("json")``, with each picture where its placeholder stands."""

import hashlib
import json
import re
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from datasets import Features, load_dataset
from PIL import Image

from builders.errors import InputError
from builders.scenes import open_source
from builders.spar.markers import COLORS
from builders.spar.rows import SPAR_FEATURES
from recipes.export import PLACEHOLDER, export
from tests.commands import ROOT, run
from tests.recipes.made import CHAIR, jpeg, make_folder, make_row, mixed_rows, write_folder
from tests.recipes.test_shortcut_splits import built, hand_made

RED = CHAIR | {"point": [500, 500], "image_index": 0}


def picture(level: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (160, 120), (level, level, level)).save(buffer, "JPEG")
    return buffer.getvalue()


def spar_7m(folder: Path, **changed: object) -> Path:
    """Two tasks; pictures that rows share, with names that must not become paths."""
    rows = []
    for i in range(6):
        views = [{"bytes": picture(40 * (i // 2)), "path": "../../../etc/passwd"}]
        rows.append(make_row("depth_prediction_oc", i, f"{i}.5", image=views, objects=[RED], frame_ids=[str(i // 2)],
                             uid=f"made/../{i}"))
        rows.append(make_row("position_matching", i, "A", ("a", "b", "c", "d"), scene="room/../x", objects=[],
                             image=[views[0], {"bytes": picture(200), "path": "a b.jpg"}], frame_ids=["0", "9"]))
    rows[0] |= changed
    return write_folder(folder, "spar_7m", Features(SPAR_FEATURES), {
        f"{task}/train-00000-of-00001.parquet": [row for row in rows if row["task"] == task]
        for task in ("depth_prediction_oc", "position_matching")})


def read(out: Path, tmp_path: Path) -> list[dict]:
    return list(load_dataset("json", data_files=str(out / "conversations.jsonl"), split="train",
                             cache_dir=str(tmp_path / "cache")))


def files(out: Path) -> dict[str, str]:
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(out.rglob("*")) if path.is_file()}


def test_load_dataset_reads_back_what_the_rows_say(tmp_path: Path):
    folder = spar_7m(tmp_path / "set")
    rows = list(load_dataset("parquet", data_files=[str(p) for p in sorted(folder.glob("*/*.parquet"))], split="train",
                             cache_dir=str(tmp_path / "cache")))
    made = export(str(folder), tmp_path / "out", progress=False)
    lines = read(tmp_path / "out", tmp_path)
    assert made["lines"] == len(lines) == len(rows) == 12 and made["left_out"] == {}
    for line, row in zip(lines, rows, strict=True):
        human, gpt = line["conversations"]
        assert (human["from"], gpt["from"], gpt["value"]) == ("human", "gpt", row["answer"])
        assert human["value"] == "<image>\n" * len(row["frame_ids"]) + row["question"]
        assert human["value"].count(PLACEHOLDER) == len(line["images"])
        for name, view in zip(line["images"], row["image"], strict=True):
            shown = np.asarray(Image.open(tmp_path / "out" / name))
            center = COLORS["red"] if row["task"] == "depth_prediction_oc" else view.getpixel((80, 60))
            assert np.abs(shown[60, 80].astype(int) - center).max() < 20
            assert np.abs(shown[5, 5].astype(int) - view.getpixel((5, 5))).max() < 3
    info = json.loads((tmp_path / "out/dataset_info.json").read_text())["vantage"]
    assert info["columns"] == {"messages": "conversations", "images": "images"} and info["formatting"] == "sharegpt"


def test_pictures_are_kept_once_as_they_are_below_the_folder(tmp_path: Path):
    out = tmp_path / "deep/out"
    export(str(spar_7m(tmp_path / "set")), out, form="llava", markers="clean", progress=False)
    lines = read(out, tmp_path)
    assert Counter(name for line in lines for name in line["image"]).total() == 18
    stored = {path.read_bytes() for path in out.glob("images/*/*.jpg")}
    assert stored == {picture(level) for level in (0, 40, 80, 200)}  # 18 references, four pictures, byte for byte
    assert len(list(out.glob("images/*/*"))) == 4 and {p.name for p in tmp_path.iterdir()} == {"set", "deep", "cache"}
    assert lines[0]["id"] == "made/../0" and list(lines[0]) == ["id", "image", "conversations"]


@pytest.mark.parametrize("markers", ["clean", "burnt"])
def test_pictures_that_rows_refer_to_come_from_the_scans(tmp_path: Path, markers: str):
    source = open_source(f"json={ROOT / 'examples/scenes'}")
    scene = source.load("studio")
    row = make_row("depth_prediction_oc", 0, "1.5", image=[None], objects=[RED], source="json", scene="studio",
                   frame_ids=[scene.frames[3].frame_id])
    folder = write_folder(tmp_path / "set", "spar_7m", Features(SPAR_FEATURES), {
        "depth_prediction_oc/train-00000-of-00001.parquet": [row]})
    export(str(folder), tmp_path / "out", markers=markers, sources=[f"json={ROOT / 'examples/scenes'}"], progress=False)
    (written,) = (tmp_path / "out").glob("images/*/*")
    stored = source.read_color(scene, scene.frames[3])
    if markers == "clean":
        assert written.read_bytes() == stored
    else:
        with Image.open(written) as shown, Image.open(BytesIO(stored)) as whole:
            center = shown.width // 2, shown.height // 2
            assert np.abs(np.subtract(shown.getpixel(center), COLORS["red"])).max() < 20
            corners = np.subtract(shown.getpixel((2, 2)), whole.getpixel((2, 2)))
            assert shown.size == whole.size and np.abs(corners).max() < 9


def test_the_same_command_gives_the_same_bytes_and_writes_nothing_twice(tmp_path: Path):
    folder, out = str(spar_7m(tmp_path / "set")), tmp_path / "out"
    export(folder, out, form="messages", tasks=["depth_prediction_oc"], progress=False)
    first = files(out)
    (out / "conversations.jsonl").unlink()  # as if killed before it got its name
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("images/*/*")}
    export(folder, out, form="messages", tasks=["depth_prediction_oc"], progress=False)
    assert files(out) == first and {path: path.stat().st_mtime_ns for path in out.glob("images/*/*")} == stamps
    line = read(out, tmp_path)[0]
    assert [turn["role"] for turn in line["messages"]] == ["user", "assistant"] and len(line["images"]) == 1
    with pytest.raises(InputError, match="holds an export with other markers; choose another --out"):
        export(folder, out, form="messages", tasks=["depth_prediction_oc"], markers="clean", progress=False)


@pytest.mark.parametrize("changed, reason", [
    ({"question": "What is <image>?"}, "its text holds <image>"),
    ({"answer": ""}, "it has no question or no answer"),
    ({"image": [None]}, "its pictures are referred to, not held (--source NAME=ROOT puts them back)"),
    ({"image": [{"bytes": b"no picture", "path": "a.jpg"}]}, "a picture cannot be read"),
    ({"image": [{"bytes": picture(7)[:400], "path": "a.jpg"}]}, "a picture cannot be read"),
])
def test_rows_that_cannot_be_conversations_are_counted(tmp_path: Path, changed: dict, reason: str):
    folder = spar_7m(tmp_path / "set", **changed)
    ended = run("recipes/export.py", "--dataset", folder, "--out", tmp_path / "out")
    assert ended.returncode == 3 and f"left out: 1 rows: {reason}" in ended.stderr
    assert json.loads((tmp_path / "out/export.json").read_text())["left_out"] == {reason: 1}
    assert len((tmp_path / "out/conversations.jsonl").read_text().splitlines()) == 11


def test_benchmarks_have_their_answers_as_letters_and_their_markers_already(tmp_path: Path):
    built(tmp_path, hand_made())
    export(str(tmp_path / "set"), tmp_path / "out", split="test", progress=False)
    turns = [line["conversations"] for line in read(tmp_path / "out", tmp_path)]
    assert {gpt["value"] for _, gpt in turns} <= set("ABCD") and all("\nA) " in human["value"] for human, _ in turns)
    rows = [row | {"image": [{"bytes": jpeg(9), "path": "a.jpg"}]} for row in mixed_rows(3, scenes=1)]
    bench = str(make_folder(tmp_path / "bench", rows))
    export(bench, tmp_path / "marked", split="test", progress=False)
    assert [path.read_bytes() for path in tmp_path.glob("marked/images/*/*")] == [jpeg(9)]
    with pytest.raises(InputError, match="have their markers drawn in; build spar_7m"):
        export(bench, tmp_path / "clean", split="test", markers="clean", progress=False)


@pytest.mark.parametrize("options, says", [
    (("--task", "depth"), "--task depth: .* has: depth_prediction_oc, position_matching"),
    (("--task", "depth", "--limit", "3"), "--task depth: .* has: depth_prediction_oc, position_matching"),
    (("--form", "alpaca"), "--form alpaca: expected one of: sharegpt, llava, messages"),
    (("--split", "test"), "no split any/test; there are: depth_prediction_oc/train, position_matching/train"),
])
def test_wrong_words_end_in_one_line(tmp_path: Path, options: tuple[str, ...], says: str):
    ended = run("recipes/export.py", "--dataset", spar_7m(tmp_path / "set"), "--out", tmp_path / "out", *options)
    assert ended.returncode == 2 and ended.stderr.count("\n") <= 2
    assert re.search(says, ended.stderr)
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())  # free for the mended command


def test_what_is_no_export_and_what_holds_no_questions_is_refused(tmp_path: Path):
    rows = [make_row("depth_prediction_oc", 0, "1.5")]
    folder = write_folder(tmp_path / "set", "spar_7m", Features(SPAR_FEATURES), {
        "frames/train-00000-of-00001.parquet": rows, "depth_prediction_oc/train-00000-of-00001.parquet": rows})
    with pytest.raises(InputError, match="--config frames: holds no questions"):
        export(str(folder), tmp_path / "out", config=["frames"], progress=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/export.json").write_text("[1]")
    with pytest.raises(InputError, match="not what an export writes"):
        export(str(folder), tmp_path / "other", progress=False)
