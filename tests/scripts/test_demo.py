"""The demo does the whole way, and a second run keeps what the first one made."""

from pathlib import Path

import datasets
import pytest

import scripts.demo
from builders.spar.limits import Limits
from builders.tunnel.layout import TunnelSettings
from tests.commands import run, run_process

pytest.importorskip("open3d")


@pytest.mark.slow
def test_the_demo_builds_loads_scores_and_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With fewer views, questions and tunnels than its users get."""
    for name, value in {"LIMITS": Limits(max_keyframes=6, min_view_overlap=0.1), "PER_TASK": 6, "TUNNEL_SCENES": 2,
                        "TUNNEL": TunnelSettings(resolution=128)}.items():
        monkeypatch.setattr(scripts.demo, name, value)
    demo = ("scripts/demo.py", "--out", tmp_path, "--renderer", "raycast", "--rooms", "1", "--workers", "1")
    first = run(*demo)
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith(f"open {tmp_path}/report.html\n")
    bench = datasets.load_dataset(str(tmp_path / "spar_bench"), split="test", cache_dir=str(tmp_path / "cache"))
    assert len(bench) >= 60 and bench[0]["image"][0].size == (640, 480)
    assert "baseline:oracle: average 100.0" in first.stdout
    report = (tmp_path / "report.html").read_bytes()
    assert report.count(b"data:image/jpeg;base64,") >= 20
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*/predictions.parquet")}

    second = run(*demo)
    assert "1 of 1 scenes were there already" in second.stdout
    assert (tmp_path / "report.html").read_bytes() == report
    assert {path: path.stat().st_mtime_ns for path in written} == written and len(written) == 3


def test_a_wrong_source_exits_2_with_one_line(tmp_path: Path):
    done = run_process("scripts/demo.py", "--out", tmp_path, "--source", "scannet=/no/such/folder")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
