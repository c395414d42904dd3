"""One captured room in two layouts gives the same questions and the same golds, whoever numbers objects and frames."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from builders.scenes import open_source
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS

LIMITS = Limits(max_keyframes=10)


@pytest.fixture(scope="module")
def records(scenes_root):
    """Of the ScanNet and of the ScanNet++ layout, the second with the names of the first."""
    expected = json.loads((scenes_root / "expected.json").read_text())
    objects = {str(o["scannetpp_objectId"]): str(o["scannet_objectId"]) for o in expected["objects"]}
    names = [f["names"] for f in expected["frames"]]
    frames = {n["scannetpp_iphone"]: n["scannet"] for n in names if n.get("scannetpp_iphone")}
    first = open_source(f"scannet={scenes_root / 'scannet'}").load("scene9001_00")
    second = open_source(f"scannetpp={scenes_root / 'scannetpp'}").load("9e0a51c3d7")
    second = replace(
        second, source=first.source, scene_id=first.scene_id,
        objects=tuple(replace(o, object_id=objects[o.object_id]) for o in second.objects),
        frames=tuple(replace(f, frame_id=frames[f.frame_id]) for f in second.frames),
    )
    assert {f.frame_id for f in first.frames} == {f.frame_id for f in second.frames}
    return [build_record(scene, LIMITS, video=True) for scene in (first, second)]


def test_golds_of_every_task_and_format_are_the_same(records):
    compared = Counter()
    for task in TASKS.values():
        for form in task.formats:
            made = [list(task_rows(task, form, record, LIMITS, 5, ("x", "1", 0), Counter())) for record in records]
            assert len(made[0]) == len(made[1])
            for a, b in zip(*made, strict=True):
                for rounded in ("answer_exact", "vertical_gap"):
                    one, other = a.pop(rounded), b.pop(rounded)
                    assert (one is None) == (other is None)
                    np.testing.assert_allclose(np.array(one or 0, float), np.array(other or 0, float), atol=1e-3)
                assert a == b  # question, answer, options, markers, frames, objects
                compared[task.name] += 1
    assert len(compared) > 25 and compared.total() > 200
