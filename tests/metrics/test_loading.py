"""Every metric as its users load it: from its folder, with nothing of ours on the path."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.metrics.test_answer_modules import SAMPLES

METRICS = Path(__file__).resolve().parents[2] / "metrics"

CASES = {name: (predictions, columns, key, expected)
         for name, (_, key, predictions, columns, expected) in SAMPLES.items()} | {
    "correctness": ([2.0, -2.0], {"references": ["Yes", "No"]}, "accuracy", 1.0),
    "shortcut_gap": ([1.0, 0.0], {"references": ["consistent", "counter"]}, "delta", 1.0),
    "axis_coherence": ([[1.0, 0.0], [-2.0, 0.0]], {"references": ["far", "close"]}, "coh_distance", 1.0),
    "vd_ei": ([[1, 0], [-1, 0], [2, 0], [-1, 0]], {"references": ["above", "below", "far", "close"]}, "vd_ei", 1.0),
    "box_iou": ([[0, 0, 0, 2, 2, 2]], {"references": [[0, 0, 1, 2, 2, 2]]}, "acc@0.25", 1.0),
    "position_error": (["a (0,1)"], {"references": ["a (0,2)"]}, "ape", 1.0),
}
"""Name -> predictions, further columns, key of the score, the score."""

LOAD_ALL = """
import json, sys
import evaluate

folder, cases = sys.argv[1], json.loads(sys.argv[2])
scores = {}
for name, (predictions, columns, key, _) in cases.items():
    scores[name] = evaluate.load(f"{folder}/{name}").compute(predictions=predictions, **columns)[key]
assert not any(module.split(".")[0] == "metrics" for module in sys.modules)
print(json.dumps(scores))
"""


def test_every_metric_loads_from_anywhere_offline_in_two_processes_at_once(tmp_path):
    """From another directory, without the package on the path, with an empty cache shared by both processes."""
    assert set(CASES) == {path.parent.name for path in METRICS.glob("*/README.md")}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", LOAD_ALL, str(METRICS), json.dumps(CASES)]
    both = [subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=-1, stderr=-1, text=True) for _ in range(2)]
    for process in both:
        out, problems = process.communicate(timeout=120)
        assert process.returncode == 0, problems
        assert json.loads(out) == pytest.approx({name: case[-1] for name, case in CASES.items()}, rel=1e-9)
        assert "Warning" not in problems
