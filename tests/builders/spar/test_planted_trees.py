"""Trees in which every kind of bad input is planted: good scenes are built, each bad one is named with its reason."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from builders.hub.folder import build_folder
from builders.spar.spar_7m import Spar7M
from tests.builders.scenes.captured import captured_boxes
from tests.builders.scenes.write_scannetpp import write_scannetpp
from tests.builders.scenes.write_sens import write_sens
from tests.builders.toy import moved, toy_room, write_scannet


def edit(name, change):
    def damage(folder):
        path = folder / name.format(folder.name)
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
    return damage


def remove(name):
    return lambda folder: (folder / name.format(folder.name)).unlink()


def cut(name):
    def damage(folder):
        path = folder / name.format(folder.name)
        path.write_bytes(path.read_bytes()[:-500])
    return damage


def write(name, text):
    return lambda folder: (folder / name.format(folder.name)).write_text(text)


def depth(mode, size):
    """Depth maps of the ScanNet layout."""
    def damage(folder):
        (folder / "depth").mkdir()
        shutil.copy(folder / "intrinsic" / "intrinsic_color.txt", folder / "intrinsic" / "intrinsic_depth.txt")
        for path in (folder / "color").iterdir():
            Image.fromarray(np.full(size[::-1], 200, mode)).save(folder / "depth" / f"{path.stem}.png")
    return damage


def half_a_sens_file(folder):
    shutil.rmtree(folder / "color")
    cut(f"{folder.name}.sens")(write_sens(folder / f"{folder.name}.sens", captured_boxes()).parent)


def link_out(folder):
    path = folder / f"{folder.name}.aggregation.json"
    shutil.move(path, folder.parents[1] / "elsewhere.json")
    os.symlink(folder.parents[1] / "elsewhere.json", path)


def iphone_depth(mode, size):
    def damage(folder):
        for path in (folder / "iphone" / "depth").iterdir():
            Image.fromarray(np.full(size[::-1], 200, mode)).save(path)
    return damage


def harmless(folder):
    """Extra files, and a frame without a pose in either layout."""
    (folder / "notes.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    of_scannet = (folder / "pose").is_dir()
    (folder / ("color" if of_scannet else "iphone/rgb") / "Thumbs.db").write_text("x")
    if of_scannet:
        (folder / "pose" / "0.txt").unlink()
    else:
        edit("iphone/pose_intrinsic_imu.json", lambda c: c.pop("frame_000000"))(folder)


def skewed(content):
    content["frame_000001"]["aligned_pose"] = np.triu(np.ones((4, 4))).tolist()


SCANNET = {
    "scene0001_00": (remove("{}_vh_clean_2.ply"), "{}_vh_clean_2.ply: missing"),
    "scene0002_00": (cut("{}_vh_clean_2.ply"), "the file is truncated"),
    "scene0003_00": (half_a_sens_file, "{}.sens: ends after 2 of 3 frames"),
    "scene0004_00": (write("pose/10.txt", "1 1 0 0  0 1 0 0  0 0 1 0  0 0 0 1"), "10.txt (or intrinsic_color.txt): "
                     "world_from_camera: the upper left 3x3 block is not a rotation"),
    "scene0005_00": (depth(np.uint8, (320, 240)), "expected 16 bits of depth, found mode L"),
    "scene0006_00": (depth(np.uint16, (100, 240)), "depth maps have 100x240 pixels, pictures 320x240"),
    "scene0007_00": (None, "the mesh measures 4000 m"),
    "scene0008_00": (link_out, "{}.aggregation.json: leads out of"),
    "scene0009_00": (write("{}.aggregation.json", '{"segGroups": [{"objectId": 1,'), "not readable as JSON"),
}
SCANNETPP = {
    "0000000001": (remove("iphone/pose_intrinsic_imu.json"), "pose_intrinsic_imu.json: missing"),
    "0000000002": (cut("scans/segments.json"), "segments.json: not readable as JSON"),
    "0000000003": (edit("iphone/pose_intrinsic_imu.json", skewed), "frame_000001: "),
    "0000000004": (iphone_depth(np.uint8, (320, 240)), "expected 16 bits of depth, found mode L"),
    "0000000005": (iphone_depth(np.uint16, (100, 240)), "depth maps have 100x240 pixels, pictures 320x240"),
    "0000000006": (edit("scans/segments_anno.json", lambda c: [
        group["obb"].update(axesLengths=[1000 * x for x in group["obb"]["axesLengths"]],
                            centroid=[1000 * x for x in group["obb"]["centroid"]]) for group in c["segGroups"]
    ]), "obb must be in metres"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("planted")
    for i, scene_id in enumerate(("scene0000_00", *SCANNET)):
        room = toy_room(seed=i, scene_id=scene_id)
        write_scannet(root / "scannet" / "scans", moved(room, scale=500) if scene_id == "scene0007_00" else room)
    good = captured_boxes(14)
    for scene_id in ("0000000000", *SCANNETPP):
        write_scannetpp(root / "scannetpp", good, scene_id)
    for trees, folder in ((SCANNET, root / "scannet" / "scans"), (SCANNETPP, root / "scannetpp" / "data")):
        for scene_id, (damage, _) in trees.items():
            if damage:
                damage(folder / scene_id)
    harmless(root / "scannet" / "scans" / "scene0000_00")
    harmless(root / "scannetpp" / "data" / "0000000000")
    (root / "scannet" / "scannetv2-labels.combined.tsv").write_text(
        "raw_category\tnyu40class\n" + "".join(f"{o.label}\tx\n" for o in good.scene.objects if o.label != "lamp"))
    edit("scans/segments_anno.json", lambda c: c["segGroups"].append(
        c["segGroups"][0] | {"objectId": 99, "segments": [10**6]}))(root / "scannetpp" / "data" / "0000000000")
    sources = tuple(f"{name}={root / name}" for name in ("scannet", "scannetpp"))
    builder = Spar7M(sources=sources, tasks="depth_prediction_oc,distance_infer_center_oo", max_per_task=2)
    return build_folder(builder, root / "out", progress=False).manifest


@pytest.mark.parametrize("source, scene_id, says", [
    *(("scannet", scene_id, says) for scene_id, (_, says) in SCANNET.items()),
    *(("scannetpp", scene_id, says) for scene_id, (_, says) in SCANNETPP.items()),
])
def test_each_kind_is_quarantined_by_name(built, source, scene_id, says):
    (reason,) = [q["reason"] for q in built["quarantined"] if (q["source"], q["scene_id"]) == (source, scene_id)]
    assert says.format(scene_id) in reason and scene_id in reason and "unexpected" not in reason


def test_good_scenes_are_built_and_tell_what_they_lack(built):
    scenes = {scene["scene_id"]: scene for scene in built["scenes"]}
    assert set(scenes) == {"scene0000_00", "0000000000"} and built["questions"] >= 8
    for scene_id, lacks in (("scene0000_00", "objects_of_unknown_label: lamp"),
                            ("0000000000", "boxes_of_unknown_instances")):
        assert {"frames_without_pose": 1, lacks: 1}.items() <= scenes[scene_id]["dropped"].items()
    assert len(built["quarantined"]) == len(SCANNET) + len(SCANNETPP)
    assert set(built["settings"]["pixels"].values()) == {"referenced"}
