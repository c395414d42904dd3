"""Mistakes a reader can make, each tried: files are changed so that a right reader sees what a wrong one would have
seen, and the round trip must notice. That the same files unchanged pass is checked beside."""

import json
import shutil

import numpy as np
import pytest

from builders.errors import SceneError
from builders.scenes import open_source
from tests.builders.scenes.captured import assert_boxes_tight, assert_same, captured_boxes
from tests.builders.scenes.write_scannetpp import SCENE_ID, write_scannetpp
from tests.builders.toy import write_scannet

TURNED = np.array([[0.8, -0.6, 0, 1.5], [0.6, 0.8, 0, -2], [0, 0, 1, 0.3], [0, 0, 0, 1.0]])
SCAN = "scene0001_00"


@pytest.fixture(scope="module")
def room():
    return captured_boxes()


@pytest.fixture(scope="module")
def trees(room, tmp_path_factory):
    """Right ones, by source."""
    root = tmp_path_factory.mktemp("right")
    write_scannet(root / "scannet", room.scene, TURNED)
    write_scannetpp(root / "scannetpp", room, dslr="undistorted")
    return root


def check(spec, room, root):
    """The round trip of each source, as its own tests make it."""
    folder = root / spec.partition("_")[0]
    scene = open_source(f"{spec}={folder}").load({"scannet": SCAN}.get(spec, SCENE_ID))
    name = {"scannet": str, "scannetpp": lambda i: f"frame_{int(i):06d}", "scannetpp_dslr": lambda i: f"DSC{i:>05}.JPG"}
    assert_same(scene, room.scene, name[spec], boxes=spec != "scannet")
    if spec == "scannet":
        assert_boxes_tight(scene, room.scene)


def poses(change):
    """Of exported ScanNet frames."""
    def edit(folder):
        for path in (folder / "scannet" / SCAN / "pose").iterdir():
            np.savetxt(path, change(np.loadtxt(path)))
    return edit


def alignment(matrix):
    def edit(folder):
        numbers = " ".join(map(str, matrix.ravel()))
        (folder / "scannet" / SCAN / f"{SCAN}.txt").write_text(
            f"axisAlignment = {numbers}\ncolorWidth = 320\ncolorHeight = 240\n")
    return edit


def annotation(path, change):
    """``change(segments, groups)`` of either data set."""
    def edit(folder):
        segments = folder / path[0]
        groups = folder / path[1]
        of_vertex, found = json.loads(segments.read_text()), json.loads(groups.read_text())
        change(of_vertex, found["segGroups"])
        segments.write_text(json.dumps(of_vertex))
        groups.write_text(json.dumps(found))
    return edit


def intrinsics(change):
    def edit(folder):
        path = folder / "scannet" / SCAN / "intrinsic" / "intrinsic_color.txt"
        np.savetxt(path, change(np.loadtxt(path)))
    return edit


def half_a_pixel():
    shift = np.zeros((4, 4))
    shift[:2, 2] = 0.5
    return shift


def boxes(change):
    def changed(segments, groups):
        for group in groups:
            change(group["obb"])
    return annotation((f"scannetpp/data/{SCENE_ID}/scans/segments.json",
                       f"scannetpp/data/{SCENE_ID}/scans/segments_anno.json"), changed)


def phone(change):
    def edit(folder):
        path = folder / "scannetpp" / "data" / SCENE_ID / "iphone" / "pose_intrinsic_imu.json"
        content = json.loads(path.read_text())
        for entry in content.values():
            change(entry)
        path.write_text(json.dumps(content))
    return edit


def aligned(change):
    return phone(lambda entry: entry.update(aligned_pose=change(np.array(entry["aligned_pose"])).tolist()))


def nerfstudio(change=lambda pose: pose, **others):
    def edit(folder):
        path = folder / "scannetpp" / "data" / SCENE_ID / "dslr" / "nerfstudio" / "transforms_undistorted.json"
        content = json.loads(path.read_text())
        for entry in content["frames"] + content["test_frames"]:
            entry["transform_matrix"] = change(np.array(entry["transform_matrix"])).tolist()
        path.write_text(json.dumps(content | {key: value(content) for key, value in others.items()}))
    return edit


def transposed_turn(pose):
    """Columns of the rotation taken for its rows."""
    result = pose.copy()
    result[:3, :3] = pose[:3, :3].T
    return result


def flipped(columns=(), rows=()):
    def change(pose):
        result = pose.copy()
        result[:3, list(columns)] *= -1
        result[list(rows)] *= -1
        return result
    return change


def rows_swapped(pose):
    return pose[[1, 0, 2, 3]]


def half(obb):
    obb["axesLengths"] = [2 * x for x in obb["axesLengths"]]


def of_columns(obb):
    obb["normalizedAxes"] = np.reshape(obb["normalizedAxes"], (3, 3)).T.ravel().tolist()


def corner(obb):
    obb["centroid"] = obb["min"]


def segment_is_vertex(segments, groups):
    segments["segIndices"] = list(range(len(segments["segIndices"])))


def object_is_id(segments, groups):
    for group in groups:
        group["objectId"] = group["id"] + 1


MISTAKES = {
    "scannet: pose read as world-to-camera": ("scannet", poses(np.linalg.inv)),
    "scannet: rows of a pose read as columns": ("scannet", poses(transposed_turn)),
    "scannet: camera axes y up, z back": ("scannet", poses(flipped(columns=(1, 2)))),
    "scannet: axisAlignment not applied": ("scannet", alignment(np.eye(4))),
    "scannet: axisAlignment inverted": ("scannet", alignment(np.linalg.inv(TURNED))),
    "scannet: axisAlignment read by columns": ("scannet", alignment(transposed_turn(TURNED))),
    "scannet: axisAlignment of the mesh alone": ("scannet", poses(lambda pose: np.linalg.inv(TURNED) @ pose)),
    "scannet: pixel centres at .5": ("scannet", intrinsics(lambda k: k - half_a_pixel())),
    "scannet: segment taken for a vertex": ("scannet", annotation(
        (f"scannet/{SCAN}/{SCAN}_vh_clean_2.0.010000.segs.json", f"scannet/{SCAN}/{SCAN}.aggregation.json"),
        segment_is_vertex)),
    "scannet: id taken for objectId": ("scannet", annotation(
        (f"scannet/{SCAN}/{SCAN}_vh_clean_2.0.010000.segs.json", f"scannet/{SCAN}/{SCAN}.aggregation.json"),
        object_is_id)),
    "scannetpp: pose read as world-to-camera": ("scannetpp", aligned(np.linalg.inv)),
    "scannetpp: rows of a pose read as columns": ("scannetpp", aligned(transposed_turn)),
    "scannetpp: pose taken for aligned_pose": ("scannetpp", phone(lambda e: e.update(aligned_pose=e["pose"]))),
    "scannetpp: camera axes y up, z back": ("scannetpp", aligned(flipped(columns=(1, 2)))),
    "scannetpp: full lengths read as half": ("scannetpp", boxes(half)),
    "scannetpp: rows of normalizedAxes read as columns": ("scannetpp", boxes(of_columns)),
    "scannetpp: corner taken for the centre": ("scannetpp", boxes(corner)),
    "scannetpp: hull taken for the box": ("scannetpp", boxes(
        lambda obb: obb.update(normalizedAxes=np.eye(3).ravel().tolist(),
                               axesLengths=np.subtract(obb["max"], obb["min"]).tolist()))),
    "scannetpp: intrinsics of half the size": ("scannetpp", phone(
        lambda e: e.update(intrinsic=(np.diag([0.5, 0.5, 1]) @ np.array(e["intrinsic"])).tolist()))),
    "scannetpp_dslr: camera axes left y up, z back": ("scannetpp_dslr", nerfstudio(flipped(columns=(1, 2)))),
    "scannetpp_dslr: world rows not swapped back": ("scannetpp_dslr", nerfstudio(rows_swapped)),
    "scannetpp_dslr: world z left down": ("scannetpp_dslr", nerfstudio(flipped(rows=(2,)))),
    "scannetpp_dslr: nothing undone": ("scannetpp_dslr", nerfstudio(
        lambda pose: flipped(columns=(1, 2))(flipped(rows=(2,))(rows_swapped(pose))))),
    "scannetpp_dslr: read as world-to-camera": ("scannetpp_dslr", nerfstudio(np.linalg.inv)),
    "scannetpp_dslr: pixel centres at integers": ("scannetpp_dslr", nerfstudio(
        cx=lambda c: c["cx"] + 0.5, cy=lambda c: c["cy"] + 0.5)),
    "scannetpp_dslr: test frames left out": ("scannetpp_dslr", nerfstudio(test_frames=lambda c: [])),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_noticed(room, trees, tmp_path, mistake):
    spec, edit = MISTAKES[mistake]
    shutil.copytree(trees, tmp_path / "wrong")
    edit(tmp_path / "wrong")
    with pytest.raises((AssertionError, SceneError)):
        check(spec, room, tmp_path / "wrong")


@pytest.mark.parametrize("spec", ["scannet", "scannetpp", "scannetpp_dslr"])
def test_without_a_mistake_nothing_is_noticed(room, trees, spec):
    check(spec, room, trees)
