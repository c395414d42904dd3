"""The JSONL command as a user types it: exit codes, and lines that say what to do."""

import json

import pyarrow.parquet as pq

from builders.spar.rows import SPAR_FEATURES
from tests.builders.toy import toy_room, write_scannet
from tests.commands import run, run_process


def test_a_benchmark_goes_out_and_comes_back(tmp_path):
    write_scannet(tmp_path / "scans", toy_room())
    bench, tree, again = tmp_path / "bench", tmp_path / "tree", tmp_path / "again"
    built = run("scripts/build.py", "spar_bench", "--source", f"scannet={tmp_path / 'scans'}", "--out", bench,
                "--set", "bench_scenes=all", "--set", "per_task=3")
    assert built.returncode == 0, built.stderr
    without = run("scripts/jsonl.py", "export", bench, "--out", tmp_path / "bare")
    assert without.returncode == 0 and "--source NAME=ROOT" in without.stdout
    told = run("scripts/jsonl.py", "export", bench, "--out", tree, "--source", f"scannet={tmp_path / 'scans'}")
    assert told.returncode == 0 and "not in the tree" not in told.stdout, told.stderr
    back = run("scripts/jsonl.py", "import", tree, "--out", again)
    assert back.returncode == 0, back.stderr
    asked, got = rows(bench / "default"), rows(again)
    assert asked and asked == got


def rows(folder):
    """uid -> all other columns of spar_7m but the pictures."""
    columns = [name for name in SPAR_FEATURES if name != "image"]
    tables = [pq.read_table(path, columns=columns) for path in folder.rglob("*.parquet")]
    return {row["uid"]: row for table in tables for row in table.to_pylist()}


def test_malformed_lines_end_with_3_and_wrong_arguments_with_2(tmp_path):
    folder = tmp_path / "spar/scannet/qa_jsonl/train/obj_count/fill"
    folder.mkdir(parents=True)
    record = {"conversations": [{"from": "human", "value": "How many?"}, {"from": "gpt", "value": "2"}],
              "image": ["scene0000_00/video_color/frame0_0.jpg"], "type": "obj_count"}
    (folder / "fill_2.jsonl").write_text(json.dumps(record) + "\n{broken\n")
    result = run("scripts/jsonl.py", "import", tmp_path, "--out", tmp_path / "out")
    assert result.returncode == 3 and "obj_count/fill/fill_2.jsonl:2: " in result.stderr
    again = run_process("scripts/jsonl.py", "import", tmp_path, "--out", tmp_path / "out")
    assert again.returncode == 2 and again.stderr.startswith("error: ") and again.stderr.count("\n") == 1
    for arguments in (("export", tmp_path / "none", "--out", tmp_path / "x"),
                      ("export", tmp_path, "--out", tmp_path / "x"),
                      ("import", tmp_path / "none", "--out", tmp_path / "x")):
        wrong = run("scripts/jsonl.py", *arguments)
        assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1 and not (tmp_path / "x").exists()
