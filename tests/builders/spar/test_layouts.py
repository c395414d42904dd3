"""Both datasets built from the layouts without a labelled mesh, and their pictures put back from the user's copy."""

import json

import numpy as np
import pytest
from datasets import load_dataset

from builders import attach_images
from builders.hub.folder import build_folder
from builders.spar.spar_7m import Spar7M
from builders.spar.spar_bench import SparBench
from tests.builders.scenes.rendered import rendered_room
from tests.builders.scenes.test_structured3d import SEMANTICS
from tests.builders.scenes.write_arkitscenes import write_arkitscenes
from tests.builders.scenes.write_boxes_json import write_boxes_json
from tests.builders.scenes.write_structured3d import write_structured3d


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
