"""The commands as a user types them: exit codes, and one line that says what to do."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.builders.toy import toy_room, write_scannet

ROOT = Path(__file__).parents[2]


def run(script, *arguments):
    command = [sys.executable, str(ROOT / "scripts" / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    for i in range(2):
        write_scannet(root, toy_room(seed=i, scene_id=f"scene{i:04d}_00"))
    return root


def build(scans, out, *more):
    return run("build.py", "spar_bench", "--source", f"scannet={scans}", "--out", out, *more)


def test_help_teaches():
    top, of_bench = run("build.py", "--help"), run("build.py", "spar_bench", "--help")
    assert "load_dataset" in top.stdout and "Exit codes" in top.stdout and "spar_bench" in top.stdout
    for option in ("--source", "--out", "--seed", "--workers", "--renderer", "--pixels", "--set", "--scenes"):
        assert option in of_bench.stdout
    assert "min_visible_fraction=0.15" in run("build.py", "settings", "spar_bench").stdout


@pytest.mark.parametrize("more, says", [
    (["--source", "lidar=x"], "choose one of: procedural, scannet"),
    (["--source", "scannet"], "--source scannet=/path/to/scans"),
    (["--source", "scannet=/no/such"], "not a folder"),
    (["--set", "max_dept=3"], "max_depth"),
    (["--set", "max_depth=far"], "expected a value like 10.0"),
    (["--set", "bench_scenes=some"], "validation, all"),
    (["--set", "relation_band=nan"], "relation_band=nan: expected a number"),
    (["--set", "min_area=2"], "share from 0 to 1"),
    (["--set", "bench_scenes=all", "--scene-id", "../../x"], "no scene '../../x'"),
    (["--set", "bench_scenes=all", "--config", "huge"], "default, tiny"),
    (["--set", "bench_scenes=all", "--pixels", "some"], "embedded or referenced"),
    (["--set", "bench_scenes=all", "--engine", "spark"], "choose: local"),
])
def test_wrong_arguments_end_with_2_and_one_line(scans, tmp_path, more, says):
    own_source = "--source" in more
    result = run("build.py", "spar_bench", "--out", tmp_path / "out", *([] if own_source else
                 ["--source", f"scannet={scans}"]), *more)
    assert result.returncode == 2, result.stderr
    lines = result.stderr.strip().split("\n")
    assert len(lines) == 1 and lines[0].startswith("error: ") and says in lines[0]
    assert not (tmp_path.parent / "x").exists()


def test_an_unknown_dataset_ends_with_2(tmp_path):
    result = run("build.py", "spar_bnech", "--out", tmp_path)
    assert result.returncode == 2
    assert result.stderr == "error: unknown dataset or command 'spar_bnech'; choose one of: spar_bench, settings\n"


def test_no_validation_scene_names_the_option(scans, tmp_path):
    shutil.copytree(scans / "scene0000_00", tmp_path / "scans" / "scene0000_00")  # a training scene
    result = build(tmp_path / "scans", tmp_path / "out")
    assert result.returncode == 2 and "bench_scenes=all" in result.stderr


def test_quarantine_ends_with_3_and_names_the_file(scans, tmp_path):
    copy, out = tmp_path / "scans", tmp_path / "out"
    shutil.copytree(scans, copy)
    segments = copy / "scene0001_00" / "scene0001_00_vh_clean_2.0.010000.segs.json"
    segments.write_text('{"segIndices": [1, 2]}')
    result = build(copy, out, "--set", "bench_scenes=all", "--set", "per_task=5")
    assert result.returncode == 3
    (line,) = [one for one in result.stderr.split("\n") if one.startswith("quarantined: ")]
    assert "scene0001_00" in line and segments.name in line and "2 segment indices" in line
    checked = run("verify.py", out, "--source", f"scannet={copy}")
    assert checked.returncode == 0 and "0 findings" in checked.stdout


def test_building_then_verifying_and_finding_a_lie(scans, tmp_path):
    out = tmp_path / "out"
    result = build(scans, out, "--set", "bench_scenes=all", "--set", "per_task=5", "--config", "tiny")
    assert result.returncode == 0, result.stderr
    assert "tiny/test" in result.stdout and not (out / "default").exists()
    assert "attach_images" in result.stdout  # scans of this source are referenced by default
    assert run("verify.py", out, "--source", f"scannet={scans}").returncode == 0
    moved = tmp_path / "moved"
    shutil.copytree(scans, moved)
    for path in moved.glob("*/pose/*.txt"):  # cameras moved by 5 cm
        pose = np.loadtxt(path)
        pose[0, 3] += 0.05
        np.savetxt(path, pose)
    lied = run("verify.py", out, "--source", f"scannet={moved}")
    assert lied.returncode == 1 and "gold differs" in lied.stdout
    (out / "tiny" / "test-00000-of-00001.parquet").unlink()
    assert "missing" in run("verify.py", out).stdout
