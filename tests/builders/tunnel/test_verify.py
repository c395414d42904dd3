"""The second route agrees with every row, and catches lies."""

from dataclasses import asdict

import pytest

from builders.hub.folder import BuildResult
from builders.tunnel.config import CONFIG_NAMES
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.verify import problems, row_problems
from tests.builders.tunnel.conftest import rows_without_pictures
from tests.commands import run

TUNNEL = asdict(TunnelSettings())


@pytest.mark.parametrize("config", CONFIG_NAMES)
def test_every_row_agrees_with_the_second_route(config: str):
    rows = [row | {"index": n} for n, row in enumerate(rows_without_pictures(config, scenes=3))]
    assert rows and problems(rows, TUNNEL) == []


@pytest.mark.parametrize("config, lie", [
    ("phase_variation", {"answer": "Yes"}),
    ("phase_variation", {"heuristic": "counter"}),
    ("phase_variation", {"theta_far": 22.5}),
    ("phase_variation", {"size_near": 0.2}),
    ("phase_variation", {"vertical_gap": 0.5}),
    ("horizontal_control", {"side": "far_right"}),
    ("roll_control", {"camera_roll": 0.0}),
    ("roll_control", {"scene_heuristic": "consistent"}),
    ("contrastive_probing", {"swapped_answer": "above"}),
    ("contrastive_probing", {"category": "far"}),
])
def test_a_lie_is_found(config: str, lie: dict):
    row = rows_without_pictures(config, scenes=1)[0] | {"index": 0}
    assert row_problems(row, TUNNEL) == []
    assert row_problems(row | lie, TUNNEL)


def test_the_command_checks_a_folder(built: BuildResult):
    done = run("scripts/verify.py", built.folder)
    assert done.returncode == 0 and "0 findings" in done.stdout, done.stdout + done.stderr
