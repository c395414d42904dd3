"""ARKitScenes on disk: our own rooms written and read back, mistakes in reading, tablets held askew, broken trees."""

import json
import shutil
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from builders.errors import InputError, SceneError
from builders.scenes.arkitscenes import ARKitScenesSource
from builders.spar.limits import Limits
from builders.spar.records import build_record
from tests.builders.scenes.rendered import assert_same_boxes_and_cameras, rendered_room
from tests.builders.scenes.write_arkitscenes import MISTAKES, SCAN, seconds, write_arkitscenes

FRAMES = f"{SCAN}_frames"


def as_arkitscenes(room):
    """What a reader must make of the room."""
    frames = tuple(replace(f, frame_id=seconds(int(f.frame_id))) for f in room.scene.frames)
    return replace(room.scene, objects=tuple(o for o in room.scene.objects if not o.structural), frames=frames)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("arkitscenes")
    write_arkitscenes(root, rendered_room(), turns=(0, 1, 2, 3))
    return root


@pytest.fixture
def scans(written, tmp_path):
    """A copy to break."""
    shutil.copytree(written, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_written_scan_reads_back_as_the_room_it_was_however_the_tablet_was_held(written):
    room, source = rendered_room(), ARKitScenesSource(written)
    scene = source.load(SCAN)
    assert_same_boxes_and_cameras(scene, as_arkitscenes(room))
    np.testing.assert_allclose(scene.mesh.vertices, room.scene.mesh.vertices, atol=2e-6)
    assert scene.dropped == {} and scene.visibility_basis == "box_depth"
    for number, frame in enumerate(scene.frames):
        for read, known in ((source.read_color, room.color), (source.read_depth, room.depth)):
            np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(read(scene, frame)))), known[number])
        np.testing.assert_allclose(frame.depth_intrinsics, frame.intrinsics, atol=1e-4)
    path = written / "3dod" / "Training" / SCAN / FRAMES / "lowres_wide" / f"{SCAN}_{seconds(0)}.png"
    assert source.read_color(scene, scene.frames[0]) == path.read_bytes()  # upright already: bytes are kept


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_convention_read_wrongly_does_not_pass_the_round_trip(tmp_path, mistake):
    write_arkitscenes(tmp_path, rendered_room(), wrong=mistake)
    with pytest.raises((AssertionError, SceneError)):
        assert_same_boxes_and_cameras(ARKitScenesSource(tmp_path).load(SCAN), as_arkitscenes(rendered_room()))


def test_root_may_be_the_download_folder_or_any_folder_below_it(written, tmp_path):
    for below in (".", "3dod", "3dod/Training"):
        source = ARKitScenesSource(written / below)
        assert source.scene_ids() == [SCAN] and source.split(SCAN) == "train"
    shutil.copytree(written / "3dod" / "Training" / SCAN, tmp_path / "Validation" / SCAN)
    assert ARKitScenesSource(tmp_path).split(SCAN) == "validation"
    shutil.copytree(tmp_path / "Validation", tmp_path / "some")
    assert ARKitScenesSource(tmp_path / "some").split(SCAN, 1.0) == "validation"
    with pytest.raises(InputError, match="no scan"):
        ARKitScenesSource(written / "3dod" / "Training" / SCAN)


def test_frames_without_pose_or_camera_and_boxes_without_size_are_left_out_and_counted(scans):
    folder = scans / "3dod" / "Training" / SCAN
    path = folder / FRAMES / "lowres_wide.traj"
    lines = path.read_text().splitlines()
    lines[0] = " ".join([f"{float(lines[0].split()[0]) + 0.02:.3f}", *lines[0].split()[1:]])  # 22 ms away
    path.write_text("\n".join(lines))
    next((folder / FRAMES / "lowres_wide_intrinsics").glob(f"*{seconds(2)}.pincam")).unlink()
    (folder / FRAMES / "lowres_depth" / f"{SCAN}_{seconds(3)}.png").unlink()
    path = folder / f"{SCAN}_3dod_annotation.json"
    annotation = json.loads(path.read_text())
    annotation["data"][0]["segments"]["obbAligned"]["axesLengths"][1] = 0
    annotation["data"][1]["label"] = None
    path.write_text(json.dumps(annotation))
    source = ARKitScenesSource(scans)
    scene = source.load(SCAN)
    assert [f.frame_id for f in scene.frames] == [seconds(1), seconds(3)]
    assert scene.dropped == {"frames_without_pose": 1, "frames_without_intrinsics": 1, "objects_without_volume": 1,
                             "objects_nameless": 1}
    assert source.read_depth(scene, scene.frames[0]) and source.read_depth(scene, scene.frames[1]) is None


def _edit(name, change):
    def damage(folder):
        path = folder / name
        annotation = json.loads(path.read_text())
        change(annotation)
        path.write_text(json.dumps(annotation))
    return damage


ANNOTATION, MESH = f"{SCAN}_3dod_annotation.json", f"{SCAN}_3dod_mesh.ply"
PINCAM = f"{FRAMES}/lowres_wide_intrinsics/{SCAN}_{seconds(0)}.pincam"
DEPTH = f"{FRAMES}/lowres_depth/{SCAN}_{seconds(0)}.png"


@pytest.mark.parametrize("name, damage, says", [
    (MESH, lambda f: (f / MESH).unlink(), "missing"),
    (MESH, lambda f: (f / MESH).write_bytes((f / MESH).read_bytes()[:-100]), "truncated"),
    (ANNOTATION, lambda f: (f / ANNOTATION).unlink(), "missing"),
    (ANNOTATION, _edit(ANNOTATION, lambda a: a.update(skipped=True)), "skipped this scan"),
    (ANNOTATION, _edit(ANNOTATION, lambda a: a.pop("data")), "list of boxes"),
    (ANNOTATION, _edit(ANNOTATION, lambda a: a["data"][2].pop("uid")), "box 2: expected uid"),
    (ANNOTATION, _edit(ANNOTATION, lambda a: a["data"][2].update(uid=a["data"][3]["uid"])), "not unique"),
    (ANNOTATION, _edit(ANNOTATION, lambda a: a["data"][2]["segments"]["obbAligned"].update(normalizedAxes=[1] * 9)),
     "box 2.*orthonormal"),
    ("lowres_wide.traj", lambda f: (f / FRAMES / "lowres_wide.traj").unlink(), "missing"),
    ("lowres_wide.traj", lambda f: (f / FRAMES / "lowres_wide.traj").write_text("1 2 3\n"), "7 numbers"),
    (FRAMES, lambda f: (f / FRAMES / "lowres_wide.traj").write_text(""), "4 frames_without_pose"),
    ("pincam", lambda f: (f / PINCAM).write_text("256 192 0 0 128 96"), "focal lengths"),
    ("pincam", lambda f: (f / PINCAM).write_text("256 192"), "found 2"),
    ("lowres_depth", lambda f: Image.fromarray(np.zeros((300, 300), np.uint16)).save(f / DEPTH), "300x300"),
])
def test_a_broken_file_is_named_with_what_is_wrong(scans, name, damage, says):
    damage(scans / "3dod" / "Training" / SCAN)
    with pytest.raises(SceneError, match=says) as caught:
        ARKitScenesSource(scans).load(SCAN)
    assert name in str(caught.value) and "\n" not in str(caught.value)


def test_pictures_and_depth_maps_are_checked_when_read(scans):
    source = ARKitScenesSource(scans)
    scene = source.load(SCAN)
    folder = scans / "3dod" / "Training" / SCAN
    picture = folder / FRAMES / "lowres_wide" / f"{SCAN}_{seconds(0)}.png"
    picture.write_bytes(picture.read_bytes()[:-2000])
    with pytest.raises(SceneError, match=f"{SCAN}_{seconds(0)}.png: not a whole PNG"):
        source.read_color(scene, scene.frames[0])
    Image.fromarray(np.zeros((480, 640), np.uint8)).save(folder / DEPTH)
    with pytest.raises(SceneError, match="16 bits of depth, found mode L"):
        source.read_depth(scene, scene.frames[0])


def test_no_link_leads_out_of_the_root(scans, tmp_path):
    mesh = scans / "3dod" / "Training" / SCAN / MESH
    mesh.replace(tmp_path / "outside.ply")
    mesh.symlink_to(tmp_path / "outside.ply")
    with pytest.raises(SceneError, match="leads out of"):
        ARKitScenesSource(scans).load(SCAN)
    with pytest.raises(InputError, match="no scene"):
        ARKitScenesSource(scans).load("../41069021")


def test_boxes_on_the_mesh_show_what_its_labels_show(written):
    """The same room: labelled vertices, and boxes on the bare mesh."""
    labelled = build_record(replace(rendered_room().scene), Limits())
    boxed = build_record(ARKitScenesSource(written).load(SCAN), Limits())
    compared = []
    for known, found in zip(labelled.images, boxed.images, strict=True):
        for name in set(known.objects) & set(found.objects):
            compared.append(abs(known.objects[name].visible_fraction - found.objects[name].visible_fraction))
        assert len(set(known.objects) ^ set(found.objects)) <= 1
    assert len(compared) > 15 and np.median(compared) < 0.03
