"""SPAR-Bench from procedural rooms: the renderer changes pictures and nothing else."""

import io

import numpy as np
import pytest
from PIL import Image

from builders.hub.dataset import ROWS
from builders.spar.limits import Limits
from builders.spar.spar_bench import SparBench
from builders.spar.tasks import BENCH_TASKS


def rows(renderer, cache_dir, **settings):
    builder = SparBench(renderer=renderer, scenes=1, per_task=2, cache_dir=str(cache_dir),
                        limits=Limits(max_keyframes=3, min_view_overlap=0.1), **settings)
    return builder.build_scene(builder.refs[0])[0][ROWS]


@pytest.mark.render
def test_golds_are_the_same_under_both_renderers(tmp_path):
    pytest.importorskip("bpy", reason="Blender's module is not installed (extra 'render')")
    cycles, raycast = rows("cycles", tmp_path), rows("raycast", tmp_path)
    assert cycles.drop_columns("image").equals(raycast.drop_columns("image"))
    shown = [Image.open(io.BytesIO(t["image"][0].as_py()[0]["bytes"])).convert("L") for t in (cycles, raycast)]
    assert shown[0].size == shown[1].size == (640, 480)
    edges = [np.abs(np.diff(np.asarray(image, dtype=float), axis=1)) > 25 for image in shown]
    # the same outlines: strong edges of one picture lie beside strong edges of the other far more often than by chance
    near = sum(np.roll(edges[1], shift, axis=1) for shift in (-2, -1, 0, 1, 2)) > 0
    assert near[edges[0]].mean() > 2.5 * near.mean()


def test_rooms_give_every_task_and_name_why_proposals_fail(tmp_path):
    builder = SparBench(renderer="raycast", scenes=1, per_task=8, pixels="referenced", cache_dir=str(tmp_path))
    tables, report = builder.build_scene(builder.refs[0])
    table = tables[ROWS]
    tasks = table["task"].to_pylist()
    assert {task: tasks.count(task) for task in BENCH_TASKS} == dict.fromkeys(BENCH_TASKS, 8)
    assert table["image"].to_pylist() == [[None] * len(f) for f in table["frame_ids"].to_pylist()]
    assert set(report.rejected) == set(BENCH_TASKS) and report.keyframes < report.frames_read
    assert not any(reason.startswith("verify") for reasons in report.rejected.values() for reason in reasons)


def test_other_seeds_make_other_rooms(tmp_path):
    tables = [rows("raycast", tmp_path, seed=seed, pixels="referenced") for seed in (0, 1)]
    assert tables[0]["question"].to_pylist() != tables[1]["question"].to_pylist()
