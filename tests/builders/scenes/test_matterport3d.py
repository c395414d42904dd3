"""Matterport3D and RxR on disk: a room written and read back, mistakes in reading, walks as pictures, broken trees."""

import gzip
import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from functools import cache
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from builders.errors import InputError, SceneError
from builders.scenes import open_source
from builders.scenes.describe import HEAD, describe
from builders.scenes.matterport3d import Matterport3DSource
from builders.scenes.procedural.source import ProceduralSource
from builders.scenes.rxr import Viewpoint, walk
from builders.scenes.scene import NO_MESH
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from tests.builders.scenes.captured import assert_boxes_tight
from tests.builders.scenes.rendered import assert_same_boxes_and_cameras
from tests.builders.scenes.write_matterport3d import (
    MISTAKES,
    SCAN,
    SIZE,
    along,
    depth_units,
    panoramas,
    viewpoint,
    write_matterport3d,
)
from tests.builders.toy import flat_jpeg, toy_room

FIRST = (0.0, 10.0, 20.0, 5.0)
"""Compass degrees of yaw 0 at each viewpoint."""
PLACES = np.cumsum([(-1.2, -0.9, 1.5), 1.2 * along(50), 1.1 * along(135), 1.3 * along(185)], axis=0)
TEXT = "Turn left at the sofa.  Go straight past the lamp, then turn right and stop."
WALKS = (((0, 1, 2, 3), 130.0, "en-US", TEXT), ((3, 2, 1, 0), 5.0, "en-IN", "Walk back and turn right."),
         ((0, 1, 2, 3), 130.0, "hi-IN", "Left, in Hindi."))
ON_THE_WAY = [(0, 2), (0, 1), (1, 2), (2, 3), (3, 3)]
"""(viewpoint, yaw) of the first walk, by hand: facing 130, 120 is nearest; then 60 for 50, 130 for 135, 200 for 185,
and on along 185 at the end, 185."""
WAY_BACK = [(3, 0), (2, 5), (1, 4), (0, 4)]
"""Facing 5 and going 5 is one picture; then 320 for 315, 250 for 230, and on along 230 at the end, 240."""
ROOM = ((-3.0, -3.0), (3.0, -3.0), (3.0, 3.0), (-3.0, 3.0))


def frames_at(pairs):
    return tuple(f"{viewpoint(a)}_i1_{b}" for a, b in pairs)


@cache
def furnished():
    """A procedural room with its labels and mesh, photographed from tripods."""
    made = ProceduralSource(renderer="raycast").load("room_000001")
    return replace(made, frames=panoramas(PLACES, FIRST), instructions=())


@cache
def boxes():
    """The toy room, for tests that read it often."""
    return replace(toy_room(), frames=panoramas(PLACES, FIRST))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("matterport3d")
    write_matterport3d(root, boxes(), PLACES, WALKS, outline=ROOM)
    return root


@pytest.fixture
def house(written, tmp_path):
    """A copy to break."""
    shutil.copytree(written, tmp_path / "copy")
    return tmp_path / "copy"


def load(root):
    return Matterport3DSource(root).load(SCAN)


def owners(scene):
    """(F, 3) index of the object that each corner of a face belongs to, -1 for none; no vertex has two."""
    assert len(np.unique(np.concatenate([o.vertex_ids for o in scene.objects]))) == sum(
        len(o.vertex_ids) for o in scene.objects)
    of_vertex = np.full(len(scene.mesh.vertices), -1)
    for number, item in enumerate(scene.objects):
        of_vertex[item.vertex_ids] = number
    return of_vertex[scene.mesh.faces]


def assert_same_house(root, known):
    """Everything that a reader can get wrong."""
    source = Matterport3DSource(root)
    scene = source.load(SCAN)
    assert scene.dropped == {} and scene.visibility_basis == "mesh"
    assert_same_boxes_and_cameras(replace(scene, mesh=NO_MESH), known)
    # vertices have other numbers, faces keep their order
    np.testing.assert_allclose(scene.mesh.vertices[scene.mesh.faces], known.mesh.vertices[known.mesh.faces], atol=1e-6)
    np.testing.assert_array_equal(owners(scene), owners(known))
    assert source.read_color(scene, scene.frames[7]) == flat_jpeg(*SIZE, 7)
    with Image.open(BytesIO(source.read_depth(scene, scene.frames[7]))) as image:
        metres = np.asarray(image) / 1000
    np.testing.assert_allclose(metres, depth_units(7) / 4000, atol=0.000501)
    np.testing.assert_array_equal(scene.frames[7].depth_intrinsics, scene.frames[7].intrinsics)
    there, back = scene.instructions
    assert there.text == " ".join(TEXT.split()) and there.frame_ids == frames_at(ON_THE_WAY)
    assert back.frame_ids == frames_at(WAY_BACK)


def test_a_furnished_room_reads_back_as_it_was(tmp_path):
    write_matterport3d(tmp_path, furnished(), PLACES, WALKS, outline=ROOM)
    assert_same_house(tmp_path, furnished())


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_convention_read_wrongly_does_not_pass_the_round_trip(tmp_path, mistake):
    write_matterport3d(tmp_path, boxes(), PLACES, WALKS, outline=ROOM, wrong=mistake)
    with pytest.raises((AssertionError, SceneError)):
        assert_same_house(tmp_path, boxes())


def test_the_same_tree_without_mistakes_passes(written):
    assert_same_house(written, boxes())


def test_boxes_are_those_of_the_instances_where_the_file_has_none_or_others(tmp_path):
    for number, options in enumerate(({"obb": False}, {"wrong": "half_extents"})):
        write_matterport3d(tmp_path / str(number), boxes(), PLACES, **options)
        scene = load(tmp_path / str(number))
        assert_boxes_tight(scene, boxes())
        assert scene.dropped == ({"boxes_measured_anew": len(boxes().objects)} if number else {})


def test_pictures_of_a_walk_are_those_that_a_compass_chooses():
    """By bearings and their differences, on walks at random; the reader compares axes."""
    rng, compared = np.random.default_rng(0), 0
    for _ in range(30):
        places = np.cumsum(rng.normal(size=(5, 3)) * (2, 2, 0), axis=0)
        first, heading = rng.uniform(0, 360, 5), rng.uniform(-360, 360)
        frames = panoramas(places, first)
        views = {viewpoint(i): [f for f in frames if f.frame_id.startswith(viewpoint(i))] for i in range(5)}
        graph = {viewpoint(i): Viewpoint(place, frozenset(views)) for i, place in enumerate(places)}
        steps = np.degrees(np.arctan2(*np.diff(places, axis=0)[:, :2].T))
        asked = [heading - first[0], *(steps - first[:4]), steps[-1] - first[4]]
        yaws = [int(np.rint(turn / 60)) % 6 for turn in asked]
        if min(abs(turn / 60 % 1 - 0.5) for turn in asked) < 0.01:
            continue  # halfway between two
        known = frames_at(zip((0, 0, 1, 2, 3, 4), yaws, strict=True))
        known = known[1:] if known[0] == known[1] else known
        assert walk(list(views), np.radians(heading), graph, views) == known
        compared += 1
    assert compared > 15


def test_stairs_are_looked_up_and_down():
    places = np.array([(0, 0, 1.5), (0, 2, 2.8)])
    frames = panoramas(places, (0, 0))
    views = {viewpoint(i): frames[18 * i : 18 * i + 18] for i in range(2)}
    graph = {viewpoint(i): Viewpoint(place, frozenset(views)) for i, place in enumerate(places)}
    up = walk([viewpoint(0), viewpoint(1)], 0.0, graph, views)
    assert [name[33:] for name in up] == ["i1_0", "i0_0", "i0_0"]
    down = walk([viewpoint(1), viewpoint(0)], 0.0, graph, views)
    assert [name[33:] for name in down] == ["i1_0", "i2_3", "i2_3"]


def test_nav_video_asks_for_the_words_of_a_walk_over_its_pictures(written):
    limits = Limits(video_frames=6, max_keyframes=3, min_in_image_fraction=0.2)
    record = build_record(load(written), limits, video=True)
    assert len(record.images) < 24  # of 72: keyframes, a video, the walks
    task = TASKS["nav_video"]
    rows = list(task_rows(task, "sentence", record, limits, 9, ("t", "1", 0), Counter()))
    by_walk = {tuple(row["frame_ids"]): row for row in rows}
    assert by_walk.keys() == {frames_at(ON_THE_WAY), frames_at(WAY_BACK)}
    there = by_walk[frames_at(ON_THE_WAY)]
    blanked = re.sub(r"\b(left|straight|right|stop)\b", "____", " ".join(TEXT.split()), flags=re.I)
    assert blanked in re.sub(r"\(\d\) ____", "____", there["question"])
    assert "left, straight, right, stop" in there["answer"]
    for row in rows:
        assert not isinstance(task.recompute(row, record, limits), str)


def test_root_may_be_the_dataset_folder_or_the_folder_of_scans_unpacked_either_way(written, tmp_path):
    for below in (".", "v1/scans"):
        source = open_source(f"matterport3d={written / below}")
        assert source.scene_ids() == [SCAN] and source.split(SCAN, 1.0) == "train"
        assert len(source.load(SCAN).instructions) == 2
    for name in ("rxr", "connectivity"):
        shutil.copytree(written / name, tmp_path / name)
    shutil.copytree(written / "v1" / "scans" / SCAN, tmp_path / SCAN / SCAN)  # each archive unpacked where it lies
    assert len(load(tmp_path).instructions) == 2 and len(load(tmp_path).frames) == 72
    with pytest.raises(InputError, match="no scan"):
        Matterport3DSource(written / "rxr")


def test_split_is_that_of_the_guide_file_which_names_the_house(house, tmp_path):
    source = Matterport3DSource(house)
    assert source.split(SCAN, 1.0) == "train" and "RxR's train file" in source.split_rule
    before = source.fingerprint(SCAN)
    guide = house / "rxr" / "rxr_train_guide.jsonl.gz"
    unseen = house / "rxr" / "rxr_val_unseen_guide.jsonl"
    unseen.write_bytes(gzip.decompress(guide.read_bytes()).splitlines(keepends=True)[0])
    assert Matterport3DSource(house).split(SCAN, 0.0) == "validation"
    assert Matterport3DSource(house).fingerprint(SCAN) != before
    assert [i.frame_ids for i in load(house).instructions] == [frames_at(ON_THE_WAY)]
    guide.replace(house / "rxr" / "rxr_val_seen_guide.jsonl.gz")
    unseen.unlink()
    source = Matterport3DSource(house)
    assert (source.split(SCAN, 0.0), source.split(SCAN, 1.0)) == ("train", "validation")
    assert "no guide files" in source.split_rule and load(house).instructions == ()


def edit_json(name, change):
    def damage(root):
        path = root / name.replace("SCAN", SCAN)
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
    return damage


def edit_text(name, change):
    def damage(root):
        path = root / name.replace("SCAN", SCAN)
        path.write_text(change(path.read_text()))
    return damage


def swap(after, number):
    """The first number that follows these words becomes another."""
    return lambda text: re.sub(rf"({after}) \S+", rf"\1 {number}", text, count=1)


def unlink(name):
    return lambda root: (root / name.replace("SCAN", SCAN)).unlink()


def save(name, pixels):
    return lambda root: Image.fromarray(pixels).save(root / name)


def guides(text):
    packed = gzip.compress(text.replace("SCAN", SCAN).encode())
    return lambda root: (root / "rxr" / "rxr_train_guide.jsonl.gz").write_bytes(packed)


HOUSE = "v1/scans/SCAN/house_segmentations/SCAN"
CONF = "v1/scans/SCAN/undistorted_camera_parameters/SCAN.conf"
GRAPH = "connectivity/SCAN_connectivity.json"
COLOR, DEPTH = (f"v1/scans/{SCAN}/undistorted_{kind}_images" for kind in ("color", "depth"))


def test_what_is_half_there_is_left_out_and_counted(house):
    color, depth = house / COLOR, house / DEPTH
    for name in ON_THE_WAY[2:3]:
        (color / f"{frames_at([name])[0]}.jpg").unlink()
    (depth / f"{viewpoint(0)}_d0_0.png").unlink()
    (color / "notes.txt").write_text("ignored")
    edit_text(CONF, lambda text: text.replace("undistorted_depth_images", "x", 1))(house)
    edit_text(CONF, swap(r"_i0_1\.jpg", "-inf"))(house)
    edit_json(f"{HOUSE}.semseg.json", lambda c: c["segGroups"][0].update(label=None))(house)
    edit_json(f"{HOUSE}.semseg.json", lambda c: c["segGroups"][1].update(segments=[5]))(house)
    edit_json(f"{HOUSE}.semseg.json", lambda c: c["segGroups"][2].pop("objectId"))(house)
    source = Matterport3DSource(house)
    scene = source.load(SCAN)
    assert scene.dropped == {"frames_without_picture": 1, "frames_without_pose": 1, "objects_nameless": 1,
                             "instances_without_faces": 1, "instructions_without_pictures": 1}
    assert len(scene.frames) == 70 and source.read_depth(scene, scene.frames[0]) is None
    assert [o.object_id for o in scene.objects][:2] == ["102", "3"]
    assert [i.frame_ids for i in scene.instructions] == [frames_at(WAY_BACK)]


@pytest.mark.parametrize("reason, damage", [
    ("instructions_of_unknown_viewpoints", edit_json(GRAPH, lambda g: g[1].update(included=False))),
    ("instructions_off_the_graph", edit_json(GRAPH, lambda g: [v.update(unobstructed=[False] * 4) for v in g])),
    ("instructions_without_connectivity", unlink(GRAPH)),
])
def test_walks_that_the_graph_does_not_allow_are_counted(house, reason, damage):
    damage(house)
    scene = load(house)
    assert scene.instructions == () and scene.dropped == {reason: 2}


@pytest.mark.parametrize("file, damage, says", [
    (".ply", unlink(f"{HOUSE}.ply"), "missing"),
    (".fsegs.json", unlink(f"{HOUSE}.fsegs.json"), "missing"),
    (".semseg.json", edit_text(f"{HOUSE}.semseg.json", lambda t: t[:100]), "not readable as JSON"),
    (".fsegs.json", edit_json(f"{HOUSE}.fsegs.json", lambda c: c["segIndices"].pop()), "segment indices for .* faces"),
    (".semseg.json", edit_json(f"{HOUSE}.semseg.json", lambda c: c["segGroups"][3].pop("segments")), "segments"),
    (".semseg.json", edit_json(f"{HOUSE}.semseg.json", lambda c: c["segGroups"][3].update(objectId="0")), "twice"),
    (".conf", unlink(CONF), "missing"),
    (".conf", edit_text(CONF, lambda t: t[:-300]), "line 88: expected 16 numbers, found"),
    (".conf", edit_text(CONF, lambda t: "\n".join(t.splitlines()[:-1])), "announces 72 images, has 71"),
    (".conf", edit_text(CONF, lambda t: t.replace("_i0_0.jpg", "_i0_0.jpg/../../x", 1)), "expected the names"),
    (".conf", edit_text(CONF, lambda t: t.replace("intrinsics_matrix", "intrinsics", 1)), "before any intrinsics"),
    (".conf", edit_text(CONF, swap(r"_i0_1\.jpg", "3.0")), "line 8: .*not a rotation"),
    (".conf", edit_text(CONF, swap("intrinsics_matrix", "0")), "focal lengths"),
    (".conf", edit_text(CONF, lambda t: t.replace("79.0", "320.0")), "have been resized"),
    ("color_images", lambda root: [p.unlink() for p in (root / COLOR).iterdir()], "no picture"),
    ("depth_images", lambda root: [save(f"{DEPTH}/{p.name}", np.zeros((128, 160), np.uint8))(root)
                                   for p in (root / DEPTH).iterdir()], "16 bits of depth, found mode L"),
    ("depth_images", lambda root: [save(f"{DEPTH}/{p.name}", np.zeros((64, 80), np.uint16))(root)
                                   for p in (root / DEPTH).iterdir()], "80x64 pixels, pictures of 160x128"),
    (".house", edit_text(f"{HOUSE}.house", lambda t: t.replace("V 0 0 f -3", "V 0 0 f x")), "line 8: could not"),
    ("connectivity.json", edit_json(GRAPH, lambda g: g[0].pop("pose")), "expected a list of viewpoints"),
    ("connectivity.json", edit_json(GRAPH, lambda g: [v["pose"].__setitem__(3, 900) for v in g]), "m or more away"),
    (".gz, line 1", guides('{"scan": "SCAN", "path"'), "expected an object"),
    (".gz, line 1", guides('{"scan": "SCAN", "language": "en-US", "instruction": 3}'),
     "expected instruction, path and heading"),
])
def test_a_broken_file_is_named_with_what_is_wrong(house, file, damage, says):
    damage(house)
    with pytest.raises(SceneError, match=says) as caught:
        load(house)
    assert file in str(caught.value) and "\n" not in str(caught.value)


def test_a_scene_in_millimetres_is_refused(tmp_path):
    scene = boxes()
    big = replace(scene, mesh=replace(scene.mesh, vertices=1000 * scene.mesh.vertices))
    write_matterport3d(tmp_path, big, PLACES, obb=False)
    with pytest.raises(SceneError, match="must be in metres"):
        load(tmp_path)


def test_a_truncated_guide_file_stops_the_build_before_it_begins(house):
    path = house / "rxr" / "rxr_train_guide.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"guide\.jsonl\.gz: cannot be read to its end"):
        Matterport3DSource(house).split(SCAN)


def test_no_link_leads_out_of_the_root(house, tmp_path):
    picture = house / COLOR / f"{viewpoint(0)}_i0_0.jpg"
    picture.replace(tmp_path / "outside.jpg")
    picture.symlink_to(tmp_path / "outside.jpg")
    with pytest.raises(SceneError, match=r"_i0_0\.jpg: leads out of"):
        load(house)
    with pytest.raises(InputError, match="no scene"):
        Matterport3DSource(house).load(f"../scans/{SCAN}")
    (house / "rxr").replace(tmp_path / "rxr")
    (house / "rxr").symlink_to(tmp_path / "rxr")
    with pytest.raises(InputError, match="leads out of"):
        Matterport3DSource(house)


def test_a_room_of_the_house_is_filmed_and_stairs_are_no_room(house):
    limits, frames = Limits(video_frames=20, max_keyframes=3, min_in_image_fraction=0.2), boxes().frames
    (room,) = load(house).rooms
    assert room.frame_ids == tuple(f.frame_id for f in frames[:36])
    np.testing.assert_allclose(room.polygon, ROOM)
    record = build_record(load(house), limits, video=True)
    assert {record.frame(view).frame_id for view in record.video} < set(room.frame_ids)
    assert record.plan_area == pytest.approx(36)
    edit_text(f"{HOUSE}.house", lambda text: re.sub("(?m)^V.*\n", "", text))(house)
    (room,), dropped = load(house).rooms, load(house).dropped
    assert len(room.frame_ids) == 36 and not len(room.polygon) and dropped == {"rooms_without_outline": 1}
    unlink(f"{HOUSE}.house")(house)
    (room,) = load(house).rooms
    assert len(room.frame_ids) == 72 and not len(room.polygon)
    assert not build_record(load(house), limits, video=True).plan_area  # so its size is not asked


def test_described_with_gaps_named(house):
    cells = dict(zip(HEAD, describe(open_source(f"matterport3d={house}")).line("x"), strict=True))
    assert (cells["train"], cells["frames"], cells["objects"], cells["with depth"]) == ("1", "72", "9", "1")
    assert cells["missing"] == "-"
    unlink(f"{HOUSE}.fsegs.json")(house)
    unlink(CONF)(house)
    cells = dict(zip(HEAD, describe(open_source(f"matterport3d={house}")).line("x"), strict=True))
    assert cells["frames"] == "0" and cells["missing"] == (
        "house_segmentations/SCAN.fsegs.json (1), undistorted_camera_parameters/SCAN.conf (1)")
