"""Config ``rgbd``: depth, poses and intrinsics that agree with each other, with the pictures and with the answers."""

import datasets
import numpy as np
import pytest

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest
from builders.spar.limits import Limits
from builders.spar.rows import BENCH_FEATURES
from builders.spar.spar_bench import SparBench
from tests.builders.toy import toy_room, write_scannet

PUBLISHED = ["depth", "pose", "intrinsic_color", "intrinsic_depth"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "bench"
    builder = SparBench(scenes=1, per_task=4, tiny_per_task=1, rgbd_per_task=2, renderer="raycast", pixels="embedded",
                        limits=Limits(max_keyframes=6, min_view_overlap=0.1))
    build_folder(builder, out, progress=False)
    default = datasets.load_dataset(str(out), split="test")
    assert default.column_names == list(BENCH_FEATURES)
    return datasets.load_dataset(str(out), "rgbd", split="test"), default


def test_the_columns_follow_ours_and_have_an_entry_per_picture(rows):
    rgbd, default = rows
    assert rgbd.column_names == [*BENCH_FEATURES, *PUBLISHED]
    assert max(map(rgbd["task"][:].count, set(rgbd["task"]))) == 2
    for row in rgbd:
        assert [len(row[name]) for name in PUBLISHED] == [len(row["image"])] * 4
        for image, depth in zip(row["image"], row["depth"], strict=True):
            assert np.array(depth).shape == image.size[::-1]
    uids = default["uid"][:]
    assert set(rgbd["uid"]) <= set(uids)
    same = default[uids.index(rgbd[5]["uid"])]
    assert {name: value for name, value in rgbd[5].items() if name not in ("id", "image", *PUBLISHED)} == {
        name: value for name, value in same.items() if name not in ("id", "image")}


def test_unprojected_depth_stands_on_the_floor(rows):
    """Metres, pose and intrinsics in one oracle: most points at the bottom of the pictures lie at height 0."""
    heights = []
    for row in rows[0].select_columns(["depth", "pose", "intrinsic_depth"]).with_format("numpy"):
        for depth, pose, intrinsics in zip(row["depth"], row["pose"], row["intrinsic_depth"], strict=True):
            z = np.array(depth)
            pose, intrinsics = np.reshape(pose, (4, 4)), np.reshape(intrinsics, (4, 4))
            assert pose[3].tolist() == [0, 0, 0, 1] and intrinsics[3].tolist() == [0, 0, 0, 1]
            v, u = np.mgrid[: z.shape[0], : z.shape[1]]
            camera = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(intrinsics[:3, :3]).T * z[..., None]
            heights.append((camera @ pose[:3, :3].T + pose[:3, 3])[z > 0][:, 2])
    height = np.concatenate(heights)
    assert height.min() > -0.03 and (np.abs(height) < 0.01).mean() > 0.05


def test_depth_at_the_marker_is_that_of_the_object(rows):
    """The surface under the marker lies before the centre asked about, by no more than the object's size; or a little
    behind it where the object is hollow."""
    checked = 0
    for row in rows[0]:
        if row["task"] == "depth_prediction_oc":
            blue = row["objects"][1]
            depth = np.array(row["depth"][0])
            u, v = (np.array(blue["point"]) / 1000 * depth.shape[::-1]).astype(int)
            assert -1.5 < depth[v, u] - row["answer_exact"][0] < 0.4
            checked += 1
    assert checked == 2


def test_without_depth_in_the_dataset_there_is_no_such_config(tmp_path):
    write_scannet(tmp_path / "scans", toy_room())
    settings = dict(sources=(f"scannet={tmp_path / 'scans'}",), bench_scenes="all", per_task=3, pixels="embedded")
    build_folder(SparBench(**settings), tmp_path / "out", progress=False)
    assert set(read_manifest(tmp_path / "out")["rows"]) == {"default/test", "tiny/test"}
    with pytest.raises(InputError, match="rgbd: no row for it"):
        build_folder(SparBench(**settings), tmp_path / "out", only_config="rgbd", progress=False)


def test_captured_depth_is_used_where_pixels_are_embedded(scenes_root, tmp_path):
    settings = dict(sources=(f"scannet={scenes_root / 'scannet' / 'scans'}",), bench_scenes="all", per_task=3,
                    rgbd_per_task=1, limits=Limits(max_keyframes=5, min_view_overlap=0.1))
    build_folder(SparBench(**settings, pixels="embedded"), tmp_path / "held", only_config="rgbd", progress=False)
    row = datasets.load_dataset(str(tmp_path / "held"), "rgbd", split="test")[0]
    depth = np.array(row["depth"][0])
    assert 0.3 < np.median(depth[depth > 0]) < 8
    build_folder(SparBench(**settings), tmp_path / "referenced", progress=False)
    assert "rgbd/test" not in read_manifest(tmp_path / "referenced")["rows"]
