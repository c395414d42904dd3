"""The commands as a user types them: exit codes, and one line that says what to do."""

import json
import shutil

import numpy as np
import pytest

from builders.spar.tasks import TASKS
from tests.builders.toy import toy_room, write_scannet
from tests.commands import run, run_process


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    for i in range(2):
        write_scannet(root, toy_room(seed=i, scene_id=f"scene{i:04d}_00"))
    return root


def build(scans, out, *more):
    return run("scripts/build.py", "spar_bench", "--source", f"scannet={scans}", "--out", out, *more)


def test_help_teaches():
    top, of_bench = run_process("scripts/build.py", "--help"), run("scripts/build.py", "spar_bench", "--help")
    assert "load_dataset" in top.stdout and "Exit codes" in top.stdout and "spar_bench" in top.stdout
    assert "python scripts/build.py spar_bench --source scannet=/data/scannet/scans --out build/bench\n" in top.stdout
    for option in ("--source", "--out", "--seed", "--workers", "--renderer", "--pixels", "--set", "--scenes"):
        assert option in of_bench.stdout
    assert "min_visible_fraction=0.15" in run("scripts/build.py", "settings", "spar_bench").stdout


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
    result = run("scripts/build.py", "spar_bench", "--out", tmp_path / "out", *([] if own_source else
                 ["--source", f"scannet={scans}"]), *more)
    assert result.returncode == 2, result.stderr
    lines = result.stderr.strip().split("\n")
    assert len(lines) == 1 and lines[0].startswith("error: ") and says in lines[0]
    assert not (tmp_path.parent / "x").exists()


def test_an_unknown_dataset_ends_with_2(tmp_path):
    result = run("scripts/build.py", "spar_bnech", "--out", tmp_path)
    assert result.returncode == 2
    (line,) = result.stderr.strip().split("\n")
    assert line.startswith("error: unknown dataset or command 'spar_bnech'; choose one of: spar_bench, ")
    assert {"settings", "tasks", "review"} <= set(line.rpartition(": ")[2].split(", "))


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
    checked = run("scripts/verify.py", out, "--source", f"scannet={copy}")
    assert checked.returncode == 0 and "0 findings" in checked.stdout


def test_building_then_verifying_and_finding_a_lie(scans, tmp_path):
    out = tmp_path / "out"
    result = build(scans, out, "--set", "bench_scenes=all", "--set", "per_task=5", "--config", "tiny")
    assert result.returncode == 0, result.stderr
    assert "tiny/test" in result.stdout and not (out / "default").exists()
    assert "attach_images" in result.stdout  # scans of this source are referenced by default
    assert run("scripts/verify.py", out, "--source", f"scannet={scans}").returncode == 0
    moved = tmp_path / "moved"
    shutil.copytree(scans, moved)
    for path in moved.glob("*/pose/*.txt"):  # cameras moved by 5 cm
        pose = np.loadtxt(path)
        pose[0, 3] += 0.05
        np.savetxt(path, pose)
    lied = run("scripts/verify.py", out, "--source", f"scannet={moved}")
    assert lied.returncode == 1 and "gold differs" in lied.stdout
    (out / "tiny" / "test-00000-of-00001.parquet").unlink()
    assert "missing" in run("scripts/verify.py", out).stdout


def test_a_review_list_is_made_filled_in_and_used(scans, tmp_path):
    out, listed = tmp_path / "out", tmp_path / "review.csv"
    settings = ("--set", "bench_scenes=all", "--set", "per_task=3")
    assert build(scans, out, *settings).returncode == 0
    made = run("scripts/build.py", "review", out, "--out", listed)
    assert made.returncode == 0 and "fill in the column verdict" in made.stdout
    head, first, *rest = listed.read_text().split("\n")
    assert head.startswith("uid,verdict,note,") and first.split(",")[1] == ""
    uid = first.split(",")[0]
    rejected = first.replace(f"{uid},", f"{uid},reject", 1)
    listed.write_text("\n".join([head, rejected, *rest]) + "x/y/z/fill/0,reject,,,\n")
    again = build(scans, out, *settings, "--review", listed)
    assert again.returncode == 0 and "(2 reused" in again.stdout
    assert "1 rejected and left out" in again.stdout
    assert "1 uids are of no row" in again.stderr and "x/y/z" in again.stderr
    assert run("scripts/build.py", "review", out, "--out", tmp_path / "second.csv").returncode == 0
    assert f"{uid}," not in (tmp_path / "second.csv").read_text()
    listed.write_text("uid,verdict,note\na,perhaps,\n")
    wrong = build(scans, out, *settings, "--review", listed)
    assert wrong.returncode == 2 and "line 2" in wrong.stderr and len(wrong.stderr.strip().split("\n")) == 1


def test_the_report_tells_rows_by_format_and_the_most_frequent_reasons(scans, tmp_path):
    printed = build(scans, tmp_path / "out", "--set", "bench_scenes=all", "--set", "per_task=3").stdout
    lines = {line.split()[0]: line for line in printed.split("\n") if line.startswith("  ")}
    rejected = json.loads((tmp_path / "out" / "manifest.json").read_text())["rejected"]["depth_prediction_oc_mv"]
    reason = max(rejected, key=rejected.get)
    line = lines["depth_prediction_oc_mv"]
    assert " 6 fill " in line and f"{rejected[reason]} {reason}" in line


def test_tasks_says_which_source_can_serve_which_task(scans):
    result = run("scripts/build.py", "tasks", "--source", "procedural", "--source", f"scannet={scans}")
    assert result.returncode == 0, result.stderr
    head, *lines = [line.split() for line in result.stdout.strip().split("\n")]
    assert head == ["task", "level", "views", "formats", "SPAR-Bench", "scored", "by", "procedural", "scannet", "asks"]
    assert [line[0] for line in lines] == list(TASKS)
    by_task = {line[0]: " ".join(line) for line in lines}
    shown = "depth_prediction_oc low 1 fill select sentence fill mra choice_accuracy yes yes Depth of"
    assert by_task["depth_prediction_oc"].startswith(shown)
    assert " yes no (14 of 32 frames) " in by_task["room_size"]  # the toy room has 14 frames
    assert " no (no instructions) " in by_task["nav_video"]
    plain = run("scripts/build.py", "tasks").stdout
    assert " yes " not in plain and all(name in plain for name in TASKS)
