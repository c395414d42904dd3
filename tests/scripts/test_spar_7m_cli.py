"""Building spar_7m and holding it to account, as a user types it."""

import hashlib
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders.toy import toy_room, write_scannet
from tests.commands import run

TASK = "depth_prediction_oc"
SETTINGS = ("--set", "max_per_task=3", "--set", f"tasks={TASK},distance_prediction_oc", "--set", "min_sharpness=0",
            "--set", "min_contrast=0")


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    for i, scene_id in enumerate(("scene0000_00", "scene0011_00")):  # of the official training and validation lists
        write_scannet(root, toy_room(seed=i, scene_id=scene_id))
    return root


@pytest.fixture(scope="module")
def built(scans, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "spar"
    return out, run("scripts/build.py", "spar_7m", "--source", f"scannet={scans}", "--out", out, *SETTINGS)


def rewritten(folder, config, change):
    """Change the rows of a config's first shard, and its sha256 in the manifest with it."""
    path = next((folder / config).glob("train-*.parquet"))
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = manifest["files"][f"{config}/{path.name}"]
    entry |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_build_says_what_to_expect_and_what_came_out(built):
    _, result = built
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("expected at most 36 rows: 2 scenes x 6 formats of 2 tasks x 3 rows")
    for config in (TASK, "distance_prediction_oc", "frames", "objects"):
        assert f"  {config}/train: " in result.stdout and f"  {config}/validation: " in result.stdout
    assert "attach_images" in result.stdout  # scans of this source are referenced by default


def test_one_config(scans, built, tmp_path):
    out = tmp_path / "out"
    build = ("scripts/build.py", "spar_7m", "--source", f"scannet={scans}", "--out", out, *SETTINGS)
    result = run(*build, "--config", TASK)
    assert result.returncode == 0, result.stderr
    assert sorted(p.name for p in out.iterdir() if p.is_dir()) == [".build", "card", TASK]
    for more in (["--config", "depth"], ["--set", "tasks=depth"]):
        wrong = run(*build, *more)
        assert wrong.returncode == 2 and "obj_spatial_relation_oo" in wrong.stderr and wrong.stderr.count("\n") == 1


def test_an_empty_build_is_an_error(scans, tmp_path):
    result = run("scripts/build.py", "spar_7m", "--source", f"scannet={scans}", "--out", tmp_path / "out", *SETTINGS,
                 "--set", "min_depth_gap=50", "--set", "min_marker_cover=1", "--set", "max_per_task=1",
                 "--set", f"tasks={TASK}")
    assert result.returncode == 2 and "no question could be made" in result.stderr


def test_verify_finds_a_flipped_sign_and_a_swapped_box(scans, built, tmp_path):
    right = run("scripts/verify.py", built[0], "--source", f"scannet={scans}")
    assert right.returncode == 0 and "0 findings" in right.stdout, right.stdout
    assert " 0 golds recomputed" not in right.stdout

    def flip(frames):
        for frame in frames:
            frame["world_from_camera"][2][3] *= -1

    def swap(objects):
        objects[0]["center"], objects[1]["center"] = objects[1]["center"], objects[0]["center"]

    for config, change, column in (("frames", flip, "world_from_camera"), ("objects", swap, "center")):
        lied = tmp_path / config
        shutil.copytree(built[0], lied)
        rewritten(lied, config, change)
        alone = run("scripts/verify.py", lied)
        assert alone.returncode == 1 and "gold differs (by the folder's own cameras and boxes)" in alone.stdout
        with_scans = run("scripts/verify.py", lied, "--source", f"scannet={scans}")
        assert with_scans.returncode == 1 and f"{column} differs" in with_scans.stdout
