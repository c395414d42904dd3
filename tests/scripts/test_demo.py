"""The demo does the whole way, and a second run keeps what the first one made."""

import subprocess
import sys
from pathlib import Path

import datasets
import pytest

pytest.importorskip("open3d")
ROOT = Path(__file__).parents[2]


def demo(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/demo.py"), "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
def test_the_demo_builds_loads_scores_and_reports(tmp_path: Path):
    first = demo(tmp_path, "--renderer", "raycast", "--rooms", "1", "--workers", "1")
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith(f"open {tmp_path}/report.html\n")
    bench = datasets.load_dataset(str(tmp_path / "spar_bench"), split="test", cache_dir=str(tmp_path / "cache"))
    assert len(bench) >= 60 and bench[0]["image"][0].size == (640, 480)
    assert "baseline:oracle: average 100.0" in first.stdout
    report = (tmp_path / "report.html").read_bytes()
    assert report.count(b"data:image/jpeg;base64,") >= 20
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*/predictions.parquet")}

    second = demo(tmp_path, "--renderer", "raycast", "--rooms", "1", "--workers", "1")
    assert "1 of 1 scenes were there already" in second.stdout
    assert (tmp_path / "report.html").read_bytes() == report
    assert {path: path.stat().st_mtime_ns for path in written} == written and len(written) == 3


def test_a_wrong_source_exits_2_with_one_line(tmp_path: Path):
    done = demo(tmp_path, "--source", "scannet=/no/such/folder")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
