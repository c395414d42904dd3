"""Both datasets built from layouts without a labelled mesh and from houses; pictures put back from the user's copy."""

import json
from dataclasses import replace

import numpy as np
import pytest
from datasets import load_dataset

from builders import attach_images
from builders.hub.folder import build_folder
from builders.spar.limits import Limits
from builders.spar.spar_7m import Spar7M
from builders.spar.spar_bench import SparBench
from tests.builders.scenes.rendered import rendered_room
from tests.builders.scenes.test_matterport3d import FIRST, ON_THE_WAY, PLACES, ROOM, WALKS, WAY_BACK, frames_at
from tests.builders.scenes.test_structured3d import SEMANTICS
from tests.builders.scenes.write_arkitscenes import write_arkitscenes
from tests.builders.scenes.write_boxes_json import write_boxes_json
from tests.builders.scenes.write_matterport3d import SCAN, SIZE, panoramas, write_matterport3d
from tests.builders.scenes.write_structured3d import write_structured3d
from tests.builders.toy import toy_room


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """The same room by layout."""
    root, room = tmp_path_factory.mktemp("layouts"), rendered_room()
    write_structured3d(root / "structured3d", room, SEMANTICS)
    write_arkitscenes(root / "arkitscenes", room, turns=(1, 0))
    write_boxes_json(root / "json", room, maps=())
    return root


def build(builder, out):
    build_folder(builder, out, progress=False)
    return json.loads((out / "manifest.json").read_text())


@pytest.mark.parametrize("source, basis", [
    ("structured3d", "instance_map"), ("arkitscenes", "box_depth"), ("json", "boxes"),
])
def test_spar_7m_is_built_from_each_layout(roots, tmp_path, source, basis):
    builder = Spar7M(sources=(f"{source}={roots / source}",), tasks="depth_prediction_oc,distance_prediction_oc",
                     formats="fill", max_per_task=3)
    manifest = build(builder, tmp_path / "out")
    (scene,) = manifest["scenes"]
    assert scene["visibility_basis"] == basis and manifest["quarantined"] == []
    assert manifest["rows"]["depth_prediction_oc/train"] == 3
    rows = load_dataset(str(tmp_path / "out"), "depth_prediction_oc", split="train")
    frames = load_dataset(str(tmp_path / "out"), "frames", split="train")
    embedded = source != "structured3d"
    assert (rows[0]["image"][0] is not None) == embedded == (frames[0]["image"] is not None)
    if embedded:
        assert rows[0]["image"][0].size == (640, 480)


def test_bench_rows_of_structured3d_carry_no_pixels_until_the_user_puts_them_back(roots, tmp_path):
    spec = f"structured3d={roots / 'structured3d'}"
    options = dict(sources=(spec,), bench_scenes="all", per_task=2, tiny_per_task=1)
    build(SparBench(**options), tmp_path / "referenced")
    build(SparBench(pixels="embedded", **options), tmp_path / "embedded")
    bench = load_dataset(str(tmp_path / "referenced"), split="test")
    assert not any(image for row in bench for image in row["image"])
    whole = load_dataset(str(tmp_path / "embedded"), split="test")
    for row, known in zip(attach_images(bench, spec).select(range(6)), whole.select(range(6)), strict=True):
        assert row["question"] == known["question"]
        for one, other in zip(row["image"], known["image"], strict=True):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_matterport3d_gives_both_datasets_walks_in_words_and_the_broken_house_by_name(tmp_path):
    root, room = tmp_path / "houses", replace(toy_room(), frames=panoramas(PLACES, FIRST))
    broken = write_matterport3d(root, room, PLACES, WALKS, outline=ROOM)
    broken = broken.rename(broken.with_name("1pXnuDYAj8r"))  # its files are still named after the other
    write_matterport3d(root, room, PLACES, WALKS, outline=ROOM)
    options = dict(sources=(f"matterport3d={root}",), limits=Limits(max_keyframes=36, min_in_image_fraction=0.2))
    manifest = build(Spar7M(tasks="depth_prediction_oc,nav_video", max_per_task=2, **options), tmp_path / "out")
    (scene,) = manifest["scenes"]
    assert scene["scene_id"] == SCAN and scene["visibility_basis"] == "mesh"
    (quarantined,) = manifest["quarantined"]
    assert quarantined["scene_id"] == "1pXnuDYAj8r" and "house_segmentations/1pXnuDYAj8r.ply" in quarantined["reason"]
    assert manifest["rows"]["nav_video/train"] == 2
    rows = load_dataset(str(tmp_path / "out"), "nav_video", split="train")
    assert {tuple(row["frame_ids"]) for row in rows} == {frames_at(ON_THE_WAY), frames_at(WAY_BACK)}
    assert not any(image for row in rows for image in row["image"])
    views = attach_images(rows, options["sources"][0])[0]["image"]
    assert [view.size for view in views] == [SIZE] * len(rows[0]["frame_ids"])
    build(SparBench(bench_scenes="all", per_task=1, tiny_per_task=1, **options), tmp_path / "bench")
    assert len(load_dataset(str(tmp_path / "bench"), split="test")) > 5
