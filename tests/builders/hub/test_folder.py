"""The Hub folder: loadable as it is, equal whoever built it, never half-written, and never over somebody's files."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest

from builders import attach_images
from builders.errors import InputError
from builders.hub.dataset import SceneRef
from builders.hub.files import replacing, safe_name
from builders.hub.folder import build_folder, only_writer
from builders.hub.manifest import file_problems, read_manifest
from builders.hub.parts import part_path, safe_part_names
from builders.scenes import open_source
from builders.scenes.scannet import ScanNetSource
from builders.spar.limits import Limits
from builders.spar.spar_bench import SparBench
from tests.builders.toy import toy_room, write_scannet

ROOT = Path(__file__).parents[3]
PUBLISHED = {"id": "int64", "img_type": "string", "format_type": "string", "task": "string", "source": "string",
             "image": "list of images", "question": "string", "answer": "string"}
"""SPAR-Bench's columns, as its dataset card has them."""
FEW_VIEWS = Limits(max_keyframes=5, min_view_overlap=0.1)
"""Of rooms, whose pictures are rendered."""


def bench(root, **settings):
    defaults = dict(sources=(f"scannet={root}",), bench_scenes="all", pixels="embedded", per_task=12, tiny_per_task=4)
    return SparBench(**(defaults | settings))


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    for i in range(4):
        write_scannet(root, toy_room(seed=i, scene_id=f"scene{i:04d}_00"))
    return root


@pytest.fixture(scope="module")
def folder(scans, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "bench"
    build_folder(bench(scans), out, progress=False)
    return out


def shard_hashes(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.glob("*/*.parquet"))}


def load(folder, config=None, **options):
    return datasets.load_dataset(str(folder), config, split="test", **options)


def test_folder_loads_offline_with_the_published_columns_first(folder):
    rows = load(folder)
    assert rows.column_names[:8] == list(PUBLISHED)
    kinds = {name: "list of images" if isinstance(f, datasets.List) else f.dtype
             for name, f in list(rows.features.items())[:8]}
    assert kinds == PUBLISHED and rows.features["image"] == datasets.List(datasets.Image())
    assert rows["id"][:] == list(range(len(rows)))
    assert set(rows["img_type"]) == {"single_view", "multi_view"} and set(rows["format_type"]) == {"fill", "select"}
    row = rows[0]
    assert [image.size for image in row["image"]] == [(320, 240)] * len(row["frame_ids"])
    assert len(set(rows["uid"])) == len(rows)


def test_both_configs_have_their_version_and_up_to_the_wanted_rows_per_task(folder):
    counts = {}
    for config, most in (("default", 12), ("tiny", 4)):
        builder = datasets.load_dataset_builder(str(folder), config)
        assert str(builder.config.version) == read_manifest(folder)["version"]
        rows = load(folder, config)
        counts[config] = {task: rows["task"][:].count(task) for task in set(rows["task"])}
        assert max(counts[config].values()) == most and len(counts[config]) > 15
        assert rows.num_rows == read_manifest(folder)["rows"][f"{config}/test"]
    assert set(load(folder, "tiny")["uid"]) <= set(load(folder)["uid"])


def test_rows_come_from_all_scenes_in_turn(folder):
    rows = load(folder, "tiny")
    scenes = [scene for scene, task in zip(rows["scene_id"], rows["task"]) if task == "distance_prediction_oc"]
    assert sorted(scenes) == [f"scene{i:04d}_00" for i in range(4)]


def test_streaming_gives_the_same_rows(folder):
    streamed = list(load(folder, streaming=True).take(20))
    loaded = load(folder)
    assert [r["question"] for r in streamed] == loaded["question"][:20]
    assert (np.array(streamed[3]["image"][0]) == np.array(loaded[3]["image"][0])).all()


def test_manifest_tells_the_truth(folder):
    manifest = read_manifest(folder)
    assert file_problems(folder, manifest) == []
    assert {p for p in manifest["files"]} == set(shard_hashes(folder))
    assert manifest["settings"]["limits"]["relation_band"] == 0.1
    assert len(manifest["scenes"]) == 4 and manifest["quarantined"] == []
    assert str(ROOT) not in (folder / "manifest.json").read_text() + (folder / "README.md").read_text()
    shard = folder / "tiny" / "test-00000-of-00001.parquet"
    data = shard.read_bytes()
    try:
        shard.write_bytes(data[:-1] + b"x")
        (problem,) = file_problems(folder, manifest)
        assert problem == "tiny/test-00000-of-00001.parquet: differs from its sha256 in the manifest"
        shard.unlink()
        assert file_problems(folder, manifest) == ["tiny/test-00000-of-00001.parquet: missing"]
    finally:
        shard.write_bytes(data)


def test_two_workers_give_the_same_bytes(scans, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("builders.hub.folder._WORTH_PROCESSES", 0)  # two merge, too
    build_folder(bench(scans), tmp_path / "two", workers=2, progress=False)
    assert shard_hashes(tmp_path / "two") == shard_hashes(folder)
    assert (tmp_path / "two" / "manifest.json").read_text() == (folder / "manifest.json").read_text()


def test_a_killed_build_resumes_to_the_same_bytes(scans, folder, tmp_path):
    settings = ["bench_scenes=all", "per_task=12", "tiny_per_task=4"]
    command = [sys.executable, str(ROOT / "scripts" / "build.py"), "spar_bench", "--source", f"scannet={scans}",
               "--out", str(tmp_path / "out"), "--pixels", "embedded"]
    command += [word for setting in settings for word in ("--set", setting)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    parts = tmp_path / "out" / ".build" / "parts" / "scannet"
    deadline = time.monotonic() + 120
    while not any(all((part / f"{name}.parquet").exists() for name in SparBench.INDEX_COLUMNS)
                  for part in parts.glob("scene*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out" / "manifest.json").exists()
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert shard_hashes(tmp_path / "out") == shard_hashes(folder)
    assert "0 reused" not in finished.stdout


def test_a_second_run_reuses_parts_and_a_changed_scene_or_setting_does_not(scans, tmp_path):
    copy, out = tmp_path / "scans", tmp_path / "out"
    shutil.copytree(scans, copy)
    assert build_folder(bench(copy), out, progress=False).reused == 0
    assert build_folder(bench(copy), out, progress=False).reused == 4
    next((copy / "scene0002_00" / "color").iterdir()).unlink()
    assert build_folder(bench(copy), out, progress=False).reused == 3
    assert build_folder(bench(copy, seed=1), out, progress=False).reused == 0


def test_bad_scenes_are_quarantined_and_the_rest_is_built(scans, tmp_path):
    copy = tmp_path / "scans"
    shutil.copytree(scans, copy)
    (copy / "scene0001_00" / "scene0001_00_vh_clean_2.ply").unlink()
    for picture in (copy / "scene0003_00" / "color").iterdir():
        picture.write_bytes(picture.read_bytes()[:2000])
    result = build_folder(bench(copy), tmp_path / "out", progress=False)
    reasons = {q["scene_id"]: q["reason"] for q in result.manifest["quarantined"]}
    assert set(reasons) == {"scene0001_00", "scene0003_00"}
    assert "_vh_clean_2.ply: missing" in reasons["scene0001_00"] and ".jpg" in reasons["scene0003_00"]
    assert set(load(tmp_path / "out")["scene_id"]) == {"scene0000_00", "scene0002_00"}
    # mended, it joins on the next run
    shutil.copy(scans / "scene0001_00" / "scene0001_00_vh_clean_2.ply", copy / "scene0001_00")
    again = build_folder(bench(copy), tmp_path / "out", progress=False)
    assert again.reused == 2 and len(again.manifest["scenes"]) == 3


def test_an_unexpected_error_costs_one_scene_only(scans, tmp_path, monkeypatch):
    def explode(self, scene_id):
        if scene_id == "scene0001_00":
            raise ZeroDivisionError("in\nside")
        return load_scene(self, scene_id)

    load_scene = ScanNetSource.load
    monkeypatch.setattr(ScanNetSource, "load", explode)
    manifest = build_folder(bench(scans), tmp_path / "out", progress=False).manifest
    (quarantined,) = manifest["quarantined"]
    assert quarantined["reason"] == "unexpected ZeroDivisionError: in side" and len(manifest["scenes"]) == 3


def test_broken_pictures_are_found_even_when_they_are_only_referenced(scans, tmp_path):
    copy = tmp_path / "scans"
    shutil.copytree(scans, copy)
    for picture in (copy / "scene0003_00" / "color").iterdir():
        picture.write_bytes(picture.read_bytes()[:-1500])
    manifest = build_folder(bench(copy, pixels="auto"), tmp_path / "out", progress=False).manifest
    assert [q["scene_id"] for q in manifest["quarantined"]] == ["scene0003_00"]


def test_a_damaged_part_is_removed_and_made_again(scans, folder, tmp_path):
    out = tmp_path / "out"
    build_folder(bench(scans), out, progress=False)
    part = out / ".build" / "parts" / "scannet" / "scene0001_00" / "rows.parquet"
    for position in (0.3, 0.9):  # in the pictures, in the last pages
        data = bytearray(part.read_bytes())
        start = int(len(data) * position)
        data[start : start + 50] = bytes(50)
        part.write_bytes(data)
        with pytest.raises(OSError, match=r"scene0001_00/rows\.parquet: was damaged and has been removed"):
            build_folder(bench(scans), out, progress=False)
        assert build_folder(bench(scans), out, progress=False).reused == 3
        assert shard_hashes(out) == shard_hashes(folder)


def test_a_second_build_waits_outside(scans, tmp_path):
    (tmp_path / "out" / ".build").mkdir(parents=True)
    with only_writer(tmp_path / "out"), pytest.raises(InputError, match="another build is writing there"):
        build_folder(bench(scans), tmp_path / "out", progress=False)
    build_folder(bench(scans), tmp_path / "out", progress=False)


def test_leftovers_of_killed_builds_are_swept(scans, tmp_path):
    out = tmp_path / "out"
    for left in (".README.md.1.tmp", ".build/parts/scannet/scene0000_00/.rows.parquet.9.tmp",
                 ".build/staging/tiny/0.open"):
        (out / left).parent.mkdir(parents=True, exist_ok=True)
        (out / left).write_text("half")
    build_folder(bench(scans), out, progress=False)
    assert not [p for p in out.rglob("*") if p.name.endswith((".tmp", ".open"))]


def test_building_one_config_removes_the_others_of_an_earlier_build_but_no_foreign_file(scans, folder, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(folder, out)
    (out / "default" / "notes.parquet").write_text("mine")
    build_folder(bench(scans), out, only_config="tiny", progress=False)
    assert [p.name for p in (out / "default").iterdir()] == ["notes.parquet"]
    assert list(read_manifest(out)["rows"]) == ["tiny/test"]
    (out / "tiny" / "test-00001-of-00002.parquet").write_text("stray")
    assert file_problems(out, read_manifest(out)) == ["tiny/test-00001-of-00002.parquet: not in the manifest"]


def test_the_card_names_each_referenced_source_and_loads_what_it_says(scans, folder, tmp_path):
    card = (folder / "README.md").read_text()
    assert "attach_images" not in card and "More Information Needed" not in card and "4 scenes (scannet)" in card
    mixed = bench(scans, sources=("procedural", f"scannet={scans}"), pixels="auto", renderer="raycast", scenes=1,
                  limits=FEW_VIEWS)
    build_folder(mixed, tmp_path / "out", progress=False)
    card = (tmp_path / "out" / "README.md").read_text()
    assert 'attach_images(bench, "scannet=/path/to/scannet")' in card and '"procedural=' not in card
    bench_rows = attach_images(load(tmp_path / "out"), f"scannet={scans}")
    sizes = {row["source"]: row["image"][0].size for row in bench_rows}
    assert sizes == {"procedural": (640, 480), "scannet": (320, 240)}


def test_attached_pictures_equal_embedded_ones(scans, folder, tmp_path):
    build_folder(bench(scans, pixels="referenced"), tmp_path / "out", progress=False)
    embedded = {row["uid"]: row["image"] for row in load(folder)}
    referenced = load(tmp_path / "out")
    assert referenced[0]["image"] == [None] * len(referenced[0]["frame_ids"])
    kept = attach_images(referenced, f"scannet={scans}").shuffle(seed=1).select(range(15))
    streamed = attach_images(load(tmp_path / "out", streaming=True), f"scannet={scans}").take(5)
    for row in [*kept, *streamed]:
        for a, b in zip(row["image"], embedded[row["uid"]], strict=True):
            assert (np.array(a) == np.array(b)).all()
    with pytest.raises(InputError, match="the rows come from scannet"):
        attach_images(referenced, open_source("procedural", 0, "raycast"))
    with pytest.raises(InputError, match="seed and renderer"):
        attach_images(referenced, "procedural")


def test_rooms_of_another_seed_are_attached_by_an_opened_source(tmp_path):
    options = dict(sources=("procedural",), scenes=1, seed=7, renderer="raycast", per_task=2, bench_scenes="all",
                   limits=FEW_VIEWS)
    for pixels in ("embedded", "referenced"):
        build_folder(SparBench(pixels=pixels, **options), tmp_path / pixels, only_config="default", progress=False)
    embedded = {row["uid"]: row["image"] for row in load(tmp_path / "embedded")}
    rows = attach_images(load(tmp_path / "referenced"), open_source("procedural", 7, "raycast"))
    for row in rows.select(range(6)):
        for a, b in zip(row["image"], embedded[row["uid"]], strict=True):
            assert (np.array(a) == np.array(b)).all()
    assert 'open_source("procedural", 7, "raycast")' in (tmp_path / "referenced" / "README.md").read_text()


def test_poses_of_another_world_are_quarantined_with_a_hint(scans, tmp_path):
    copy = tmp_path / "scans"
    shutil.copytree(scans / "scene0000_00", copy / "scene0000_00")
    for path in (copy / "scene0000_00" / "pose").iterdir():
        pose = np.loadtxt(path)
        pose[:3, 3] += 10
        np.savetxt(path, pose)
    with pytest.raises(InputError, match="poses and mesh share one frame"):
        build_folder(bench(copy), tmp_path / "out", progress=False)


@pytest.mark.parametrize("name", ["notes.txt", "data/x.bin"])
def test_somebody_elses_folder_is_left_alone(scans, tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="not a Vantage dataset"):
        build_folder(bench(scans), tmp_path, progress=False)
    assert (tmp_path / name).read_text() == "mine" and not (tmp_path / ".build").exists()


def test_another_dataset_is_not_overwritten(scans, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "other")
    path = tmp_path / "other" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": "spar_7m"}))
    with pytest.raises(InputError, match="holds the dataset spar_7m"):
        build_folder(bench(scans), tmp_path / "other", progress=False)


def test_a_full_disk_loses_nothing(scans, folder, tmp_path):
    """A limit on file size stands in for a disk that is full: writing fails the same way."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); sys.argv = sys.argv[1:];"
        "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    out = tmp_path / "out"
    shutil.copytree(folder, out)
    before = shard_hashes(out)
    arguments = [str(ROOT / "scripts" / "build.py"), "spar_bench", "--source", f"scannet={scans}", "--out", str(out),
                 "--pixels", "embedded", "--set", "bench_scenes=all", "--seed", "5"]
    environment = os.environ | {"HF_HOME": str(tmp_path / "hf")}
    failed = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment)
    assert failed.returncode == 1, failed.stderr
    assert failed.stderr.strip().split("\n")[-1].startswith("error: ") and "Traceback" not in failed.stderr
    assert shard_hashes(out) == before and file_problems(out, read_manifest(out)) == []
    assert not list(out.rglob("*.tmp"))


def test_replacing_leaves_no_trace_of_a_failure(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "", ".", "..", ".hidden", "a/b", "a\\b", "x\n"])
def test_hostile_scene_ids_never_become_paths(name):
    with pytest.raises(InputError):
        safe_name(name)
    with pytest.raises(InputError):
        part_path(Path("out"), SceneRef("scannet=x", "scannet", name))


def test_a_scene_in_two_sources_is_refused():
    with pytest.raises(InputError, match="two of the sources"):
        safe_part_names([SceneRef("scannet=a", "scannet", "s"), SceneRef("scannet=b", "scannet", "s")])


def test_the_builder_works_as_any_datasets_builder(scans, folder, tmp_path):
    builder = bench(scans, cache_dir=str(tmp_path))
    streamed = list(builder.as_streaming_dataset(split="test"))
    builder.download_and_prepare()
    prepared = builder.as_dataset(split="test")
    assert [r["uid"] for r in streamed] == prepared["uid"][:] and [r["id"] for r in streamed] == prepared["id"][:]
    assert len(set(prepared["id"])) == len(prepared)
    assert max(map(prepared["task"][:].count, set(prepared["task"]))) == 12
    built = {r["uid"]: r for r in load(folder).remove_columns(["image", "id"])}
    for row in prepared.remove_columns(["image", "id"]):
        if row["uid"] in built:
            assert row == built[row["uid"]]
    assert len(set(prepared["uid"]) & set(built)) > 50


def test_image_bytes_are_stored_once_and_read_back_equal(folder):
    images = read_manifest(folder)["images"]["default/test"]
    path = folder / "default" / "test-00000-of-00001.parquet"
    assert images["unique_bytes"] < images["plain_bytes"]
    assert images["stored_bytes"] < images["unique_bytes"] + 200_000
    column = pq.read_table(path, columns=["image"])["image"].to_pylist()
    assert sum(len(i["bytes"]) for row in column for i in row) == images["plain_bytes"]
    assert images["unique_bytes"] == sum(map(len, {i["bytes"] for row in column for i in row}))
