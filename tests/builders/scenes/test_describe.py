"""``scripts/build.py describe``: counts known by hand, and gaps named where they are."""

import shutil

import pytest

from builders.scenes import open_source
from builders.scenes.describe import HEAD, describe
from tests.builders.scenes.captured import captured_boxes
from tests.builders.scenes.write_scannetpp import write_scannetpp
from tests.builders.scenes.write_sens import write_sens
from tests.builders.toy import toy_room, write_scannet


def cells(described, name="x"):
    return dict(zip(HEAD, described.line(name), strict=True))


@pytest.fixture
def scannet(tmp_path):
    """Exported, 14 frames; a .sens file, 3 frames; without annotation and frames; without anything."""
    for i in range(3):
        folder = write_scannet(tmp_path, toy_room(scene_id=f"scene000{i}_00"))
        if i:
            shutil.rmtree(folder / "color")
    write_sens(tmp_path / "scene0001_00" / "scene0001_00.sens", captured_boxes())
    (tmp_path / "scene0002_00" / "scene0002_00.aggregation.json").unlink()
    (tmp_path / "scene0707_00").mkdir()
    return tmp_path


def test_scannet_is_counted_and_gaps_are_named(scannet):
    described = describe(open_source(f"scannet={scannet}"))
    assert cells(described) == {
        "source": "x", "scenes": "4", "train": "3", "validation": "0", "test": "1", "looked at": "4", "frames": "17",
        "objects": "18", "with depth": "1",
        "missing": ".aggregation.json (2), .sens or color/ (2), _vh_clean_2.ply (1), "
                   "_vh_clean_2.0.010000.segs.json (1), .txt (1)",
    }
    assert ".aggregation.json is missing in scene0002_00, scene0707_00" in described.problems()
    assert describe(open_source(f"scannet={scannet}"), scenes=1).frames == 14


def test_a_damaged_annotation_is_told_and_does_not_end_the_table(scannet):
    (scannet / "scene0000_00" / "scene0000_00.aggregation.json").write_text("{")
    described = describe(open_source(f"scannet={scannet}"))
    assert cells(described)["frames"] == "3" and cells(described)["missing"].endswith("1 unreadable")
    assert any(line.startswith("scene0000_00: ") and "JSON" in line for line in described.problems())


def test_scannetpp_streams_are_counted(tmp_path):
    write_scannetpp(tmp_path, captured_boxes(), dslr="undistorted")
    folder = write_scannetpp(tmp_path, captured_boxes(2), "00000000ff", dslr="fisheye", iphone=False)
    (folder / "scans" / "segments.json").unlink()
    phone, dslr = (cells(describe(open_source(f"{spec}={tmp_path}"))) for spec in ("scannetpp", "scannetpp_dslr"))
    assert (phone["frames"], phone["objects"], phone["with depth"]) == ("5", "18", "1")
    assert (dslr["frames"], dslr["with depth"], dslr["missing"]) == ("5", "0", "scans/segments.json (1)")
    shutil.rmtree(folder / "dslr")
    phone = cells(describe(open_source(f"scannetpp={tmp_path}")))
    assert phone["missing"] == "scans/segments.json (1), iphone/pose_intrinsic_imu.json (1), iphone/rgb/ (1)"


def test_generated_rooms_are_described_without_a_root():
    described = cells(describe(open_source("procedural", renderer="raycast"), scenes=1))
    assert (described["scenes"], described["looked at"]) == ("100000", "1") and int(described["frames"]) > 10
