"""Gold answers by independent routes: measurements made elsewhere, mirrored rooms, numbers worked out by hand."""

import json
import re
from collections import Counter
from itertools import chain

import numpy as np
import pytest
from PIL import Image

from builders.scenes.scannet import ScanNetSource
from builders.scenes.scene import Frame, Mesh, OrientedBox, Scene, SceneObject
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import BENCH_TASKS, TASKS
from builders.spar.verify import verify
from tests.builders.spar.asked import said, slots_of
from tests.builders.toy import mirrored, toy_room

LIMITS = Limits(min_in_image_fraction=0.3, min_unhidden_fraction=0)
"""For toy rooms, whose few boxes are often cut off and in front of one another."""


def rows_of(record, task, wanted=60, limits=LIMITS, seed=0):
    return list(task_rows(task, task.bench_format, record, limits, wanted, ("t", "1", seed), Counter()))


@pytest.fixture(scope="module")
def toy():
    record = build_record(toy_room(), LIMITS)
    return record, {name: rows_of(record, task) for name, task in BENCH_TASKS.items()}


def test_every_task_asks_questions_of_an_ordinary_room(toy):
    _, rows = toy
    poor = {name for name, made in rows.items() if len(made) < 8}
    # nothing lies behind a camera that circles around the room, and most views show most of it
    assert poor <= {"obj_spatial_relation_oc_mv", "obj_spatial_relation_oo_mv"}


def test_living_room_golds_agree_with_independent_measurements(scenes_root):
    """Depths, distances and relations of every question from expected.json alone, through ids and frame names."""
    expected = json.loads((scenes_root / "expected.json").read_text())
    uid = {str(o["scannet_objectId"]): o["uid"] for o in expected["objects"]}
    center = {o["uid"]: np.array(o["center"]) for o in expected["objects"]}
    pair = {frozenset((p["a"], p["b"])): p["center_distance"] for p in expected["object_pairs"]}
    frames = {f["names"]["scannet"]: f for f in expected["frames"] if f["names"].get("scannet")}
    record = build_record(ScanNetSource(scenes_root / "scannet").load("scene9001_00"), Limits())
    checked = Counter()
    for name, task in BENCH_TASKS.items():
        for row in chain(*(rows_of(record, task, 100, Limits(), seed) for seed in range(3))):
            seen = [  # (z, distance to camera, centre, uid) of each asked object in the frame that marks it
                next((o["z"], o["distance"], center[o["uid"]], o["uid"])
                     for o in frames[row["frame_ids"][a["image_index"]]]["objects"] if o["uid"] == uid[a["object_id"]])
                for a in row["objects"]
            ]
            for asked, fact in zip(row["objects"], seen):
                if asked["point"]:
                    uv = next(o["uv"] for o in frames[row["frame_ids"][asked["image_index"]]]["objects"]
                              if o["uid"] == fact[3])
                    pixel = np.array(asked["point"]) * (640, 480) / 1000 - 0.5
                    assert np.abs(pixel - uv).max() <= 1.0
            if name in ("depth_prediction_oc", "depth_prediction_oc_mv"):
                gold = [seen[1][0]]
            elif name == "depth_prediction_oo":
                gold = [abs(seen[1][0] - seen[2][0])]
            elif name == "distance_prediction_oc":
                gold = [seen[0][1]]
            elif name == "distance_prediction_oo":
                gold = [pair[frozenset((seen[0][3], seen[1][3]))]]
            elif name == "distance_infer_center_oo":
                gold = [pair[frozenset((seen[0][3], s[3]))] for s in seen[1:]]
                nearer = seen[1][3] if gold[0] < gold[1] else seen[2][3]
                farther = seen[2][3] if gold[0] < gold[1] else seen[1][3]
                winner = nearer if "closer to" in row["question"] else farther
                label = next(a["label"] for a in row["objects"] if uid[a["object_id"]] == winner)
                assert row["options"]["AB".index(row["answer"])] == label
            elif name == "obj_spatial_relation_oo":
                pose = np.array(frames[row["frame_ids"][0]]["camera_to_world"])
                camera = [np.linalg.inv(pose) @ [*s[2], 1] for s in seen]
                gold = [camera[0][0] - camera[1][0], camera[0][1] - camera[1][1], seen[0][1] - seen[1][1]]
                words = [("left", "right"), ("above", "below"), ("closer", "farther")]
                triple = ["" if abs(g) < 0.1 else w[int(g > 0)] for g, w in zip(gold, words)]
                assert slots_of(said(row)) == triple
            else:
                continue
            assert row["answer_exact"] == pytest.approx(gold, abs=1e-3)
            if row["format_type"] == "fill":
                on_boundary = abs(gold[0] * 10 % 1 - 0.5) < 0.1  # within 0.01 m of where rounding flips
                assert on_boundary or row["answer"] == f"{gold[0]:.1f}"
            checked[name] += 1
    assert len(checked) == 7 and min(checked.values()) >= 8


def test_living_room_boxes_agree_with_the_depth_camera(scenes_root):
    """2D boxes of position matching from annotated vertices and the sensor's own depth maps: no mesh, no ray."""
    scene = ScanNetSource(scenes_root / "scannet").load("scene9001_00")
    vertices = {o.object_id: scene.mesh.vertices[o.vertex_ids] for o in scene.objects}
    poses = {f.frame_id: f.world_from_camera for f in scene.frames}
    gaps = []
    record, task = build_record(scene, Limits()), TASKS["position_matching"]
    for row in task_rows(task, "fill", record, Limits(), 60, ("t", "1", 0), Counter()):
        marked = row["objects"][0]
        for frame_id, box in ((row["frame_ids"][0], marked["bbox"]), (row["frame_ids"][1], row["answer_value"])):
            png = scenes_root / "scannet" / "scans" / "scene9001_00" / "depth" / f"{frame_id}.png"
            depth = np.array(Image.open(png)) / 1000
            points = np.c_[vertices[marked["object_id"]], np.ones(len(vertices[marked["object_id"]]))]
            x, y, z = (np.linalg.inv(poses[frame_id]) @ points.T)[:3]
            uv = np.stack([525 * x / z + 319.5, 525 * y / z + 239.5])
            inside = (uv[0] > -0.5) & (uv[0] < 639.5) & (uv[1] > -0.5) & (uv[1] < 479.5)
            u, v = np.rint(uv[:, inside]).astype(int)
            seen = uv[:, inside][:, np.abs(depth[v, u] - z[inside]) < 0.03]
            bounds = np.concatenate([seen.min(axis=1), seen.max(axis=1)])
            gaps += np.abs(bounds - (np.array(box) * np.tile((640, 480), 2) / 1000 - 0.5)).tolist()
    assert len(gaps) > 80
    assert np.mean(np.array(gaps) < 6) > 0.95  # 6 px are 1.5 cm, a mesh edge, at the distances of this room


def test_a_mirrored_room_is_seen_mirrored():
    room = toy_room(seed=4)
    originals, mirrors = build_record(room, LIMITS), build_record(mirrored(room), LIMITS)
    compared = 0
    for a, b in zip(originals.images, mirrors.images):
        for i in sorted(set(a.objects) & set(b.objects)):
            x, y, z = a.objects[i].center_camera
            assert b.objects[i].center_camera == pytest.approx([-x, y, z], abs=1e-6)
            u1, v1, u2, v2 = a.objects[i].bbox
            assert b.objects[i].bbox == pytest.approx([319 - u2, v1, 319 - u1, v2], abs=1.01)
            compared += 1
    assert compared > 30


def test_answers_scale_with_the_room():
    """Twice as large a room, seen from twice as far: every length doubles."""
    room = toy_room(seed=2)
    doubled = Scene(
        room.source, room.scene_id, Mesh(room.mesh.vertices * 2, room.mesh.faces),
        tuple(SceneObject(o.object_id, o.label, OrientedBox(o.box.center * 2, o.box.axes, o.box.extents * 2),
                          o.vertex_ids, o.structural) for o in room.objects),
        tuple(Frame(f.frame_id, f.width, f.height, f.intrinsics, np.block([[f.world_from_camera[:3, :3],
                    2 * f.center[:, None]], [0, 0, 0, 1]])) for f in room.frames),
    )
    wide = Limits(min_in_image_fraction=0.3, keyframe_translation=0, max_depth=100, min_distance=0, min_depth_gap=0)
    for name in ("distance_prediction_oo", "distance_prediction_oc"):
        lengths = []
        for scene in (room, doubled):
            rows = rows_of(build_record(scene, wide), TASKS[name], 400, wide)
            lengths.append({(r["frame_ids"][0], *(o["object_id"] for o in r["objects"])): r["answer_exact"][0]
                            for r in rows})
        shared = set(lengths[0]) & set(lengths[1])
        assert len(shared) > 20
        assert [lengths[1][k] for k in shared] == pytest.approx([2 * lengths[0][k] for k in shared])


def test_the_second_route_accepts_all_rows_and_catches_each_kind_of_lie(toy):
    record, rows = toy
    for name, made in rows.items():
        for row in made:
            assert verify(row, record, LIMITS) is None
            assert verify(row | {"answer_exact": [x + 0.02 for x in row["answer_exact"]]}, record, LIMITS)
            if row["format_type"] == "fill":
                number = re.search(r"(\d+\.\d) meters", row["question"])
                if number:  # the depth the question gives
                    lie = row["question"].replace(number[1], str(float(number[1]) + 0.3))
                    assert verify(row | {"question": lie}, record, LIMITS) == "given depth differs"
                lie = str(float(row["answer"]) + 0.3) if row["metric"] == "mra" else row["answer"] + "0"
                assert verify(row | {"answer": lie}, record, LIMITS), name
            else:
                letters = "ABCD"[: len(row["options"])]
                wrong = letters[(letters.index(row["answer"]) + 1) % len(letters)]
                assert verify(row | {"answer": wrong}, record, LIMITS), name
                assert verify(row | {"options": row["options"][::-1]}, record, LIMITS), name
                assert verify(row | {"options": row["options"][:1] * len(letters)}, record, LIMITS) == "equal options"


def test_questions_keep_their_limits(toy):
    _, rows = toy
    for row in rows["obj_spatial_relation_oo"]:
        assert all(abs(abs(d) - 0.1) >= 0.01 for d in row["answer_exact"])
    for row in rows["depth_prediction_oo"]:
        assert row["answer_exact"][0] >= LIMITS.min_depth_gap
    for row in rows["distance_infer_center_oo"]:
        assert abs(np.subtract(*row["answer_exact"])) >= LIMITS.min_nearer_gap
        assert len(set(row["options"])) == 2
    for name, made in rows.items():
        asks_views = TASKS[name].marker == "none" and TASKS[name].relation == "none"  # motions ask about no object
        sets = Counter(frozenset(row["frame_ids"]) if asks_views else
                       frozenset(o["object_id"] for o in row["objects"]) for row in made)
        assert max(sets.values(), default=0) <= LIMITS.max_same_objects
        assert len({row["uid"] for row in made}) == len(made)


def test_points_lie_on_their_objects_and_across_views_each_has_an_image_of_its_own(toy):
    record, rows = toy
    from builders.spar.visibility import Observer

    observer, objects = Observer(toy_room()), toy_room().objects
    for row in rows["depth_prediction_oc_mv"]:
        assert len(row["frame_ids"]) == 3 == len(set(row["frame_ids"]))
        assert len({o["image_index"] for o in row["objects"]}) == 2
        for item in row["objects"]:
            frame = next(i.frame for i in record.images if i.frame.frame_id == row["frame_ids"][item["image_index"]])
            u, v = np.rint(np.array(item["point"]) * (320, 240) / 1000 - 0.5).astype(int)
            around = observer.look(frame).objects[max(0, v - 1) : v + 2, max(0, u - 1) : u + 2]
            assert item["object_id"] in {objects[i].object_id for i in around.ravel() if i >= 0}


def test_heuristic_tag_follows_heights_and_depths(toy):
    record, rows = toy
    tags = Counter()
    for row in rows["depth_prediction_oc"]:
        image = next(i for i in record.images if i.frame.frame_id == row["frame_ids"][0])
        red, blue = (image.objects[o["object_id"]] for o in row["objects"])
        far, near = (red, blue) if red.center_camera[2] > blue.center_camera[2] else (blue, red)
        heights = [(seen.bbox[1] + seen.bbox[3]) / 2 for seen in (far, near)]
        expected = ("ambiguous" if abs(heights[1] - heights[0]) < 0.05 * 240
                    else "consistent" if heights[0] < heights[1] else "counter")
        assert row["heuristic"] == expected
        tags[expected] += 1
    assert len(tags) == 3
    assert all(row["heuristic"] == "" and row["vertical_gap"] is None for row in rows["distance_prediction_oo"])


def test_rows_depend_on_scene_task_and_seed_alone():
    record = build_record(toy_room(), LIMITS)
    task = TASKS["depth_prediction_oc"]
    first = rows_of(record, task)
    assert rows_of(build_record(toy_room(), LIMITS), task) == first
    assert rows_of(record, task, wanted=10) == first[:10]
    other = list(task_rows(task, "fill", record, LIMITS, 60, ("t", "1", 1), Counter()))
    assert [r["question"] for r in other] != [r["question"] for r in first]
