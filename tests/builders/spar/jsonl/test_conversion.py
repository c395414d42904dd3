"""One row, one record: markers in the order of each type, any text, and values that no record should have."""

import json
import math
import ntpath
import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.spar.jsonl.conversion import OWN_COLUMNS, record_of, row_of
from builders.spar.jsonl.layout import Malformed, picture_name, scene_and_frame
from builders.spar.rows import SPAR_FEATURES
from tests.builders.spar.jsonl.made import made_row, published
from tests.builders.spar.jsonl.released import row_markers


@pytest.mark.parametrize("task, colors, index", [
    ("depth_prediction_oo_mv", {"green": 1, "blue": 2, "red": 0}, [0, 2, 1]),
    ("distance_infer_center_oo_mv", {"red": 0, "blue": 2, "green": 1}, [0, 1, 2]),
    ("spatial_imagination_oo_mv", {"red": 0, "yellow": 2, "green": 1, "blue": 2}, [1, 2, 0, 2]),
    ("obj_spatial_relation_oo_mv", {"green": 0, "blue": 2}, [2, 0]),
])
def test_image_indices_follow_the_order_of_each_type(task, colors, index):
    form = "bbox" if "spatial" in task else "point"
    row = made_row(task, tuple(colors), tuple(colors.values()), frames=3, form=form)
    names = [picture_name(f, None, "jpg") for f in row["frame_ids"]]
    record = record_of(row, 0, names, [], plain=True)
    assert record[f"{form}_img_idx"] == [index]
    assert row_markers(row_of(record, "scannet", task, "fill")) == row_markers(row)


@pytest.mark.parametrize("colors", [("blue", "blue", "blue"), ("red", "green", "blue"), ("blue", "red", "green")])
def test_numbered_markers_are_one_list_and_keep_colours_of_their_own(colors):
    row = made_row("distance_infer_center_oo_video", colors, (5, 0, 4), frames=6)
    record = record_of(row, 7, [picture_name(f, i, "jpg") for i, f in enumerate(row["frame_ids"])], [], plain=True)
    assert record["point_list"] == [[[0, 5], [10, 5], [20, 5]]] and record["point_img_idx"] == [[5, 0, 4]]
    assert record["id"] == "scene0000_00_7" and record["image"][5] == "scene0000_00/video_color/frame5_50.jpg"
    back = row_of(record, "scannet", row["task"], "fill")
    assert row_markers(back) == row_markers(row)
    assert tuple(item["color"] for item in back["objects"]) == colors


def test_two_markers_of_one_colour_are_refused_where_the_layout_has_one_place():
    with pytest.raises(ValueError, match="second or unknown red_point"):
        record_of(made_row("depth_prediction_oo", ("red", "red"), (0, 0)), 0, ["image_color/0.jpg"], [], plain=False)


def test_every_column_is_in_the_record_or_under_our_key():
    in_record = {"source", "scene_id", "frame_ids", "task", "format_type", "question", "answer", "image"}
    assert set(SPAR_FEATURES) == in_record | set(OWN_COLUMNS)


marker = st.lists(st.integers(-5, 1005), min_size=2, max_size=2)


@given(question=st.text(), answer=st.text(), frame=st.text(min_size=1, max_size=20), places=st.permutations(range(3)),
       points=st.lists(marker, min_size=3, max_size=3), colors=st.permutations(["red", "blue", "green"]),
       exact=st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_any_row_survives(question, answer, frame, places, points, colors, exact):
    row = made_row("depth_prediction_oo_mv", colors, places, frames=3, question=question, answer=answer,
                   answer_exact=exact)
    row["frame_ids"][1] = frame
    for item, point in zip(row["objects"], points, strict=True):
        item["point"] = point
    for position in (False, True):
        names = [picture_name(f, i if position else None, "jpg") for i, f in enumerate(row["frame_ids"])]
        assert all(name.count("/") == 1 for name in names)
        record = json.loads(json.dumps(record_of(row, 0, names, [], plain=False), ensure_ascii=False))
        back = row_of(record, "scannet", row["task"], "fill")
        assert {name: back[name] for name in row} == row
        plain = row_of({k: v for k, v in record.items() if k != "vantage"}, "scannet", row["task"], "fill")
        assert plain["frame_ids"] == row["frame_ids"] and row_markers(plain) == row_markers(row)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=6)
numbers = st.integers(-2, 3) | st.sampled_from([True, 0.5, 1e300, math.inf, math.nan])
nearly_right = st.lists(numbers, min_size=2, max_size=2) | st.lists(
    st.fixed_dictionaries({"image_index": json_values}), max_size=2).map(lambda objects: {"objects": objects})
"""What is drawn freely is mostly refused for its form, before anything looks at the values."""


@settings(max_examples=500)
@given(key=st.sampled_from(["image", "conversations", "type", "red_point", "point_img_idx", "bbox_list", "vantage"]),
       value=json_values | nearly_right, images=st.sampled_from([1, 2]))
def test_odd_values_are_read_or_refused_but_never_break_the_import(key, value, images):
    record = published(image=["s/image_color/1.jpg"] * images, point_img_idx=[[0, images - 1]]) | {key: value}
    try:
        row = row_of(record, "scannet", "depth_prediction_oc", "fill")
    except Malformed:
        return
    assert len(row["frame_ids"]) == len(row["image"])
    for item in row["objects"]:
        assert item["image_index"] in range(len(row["image"])) and type(item["image_index"]) is int
        assert all(type(x) is int and abs(x) < 2**63 for x in item.get("point") or ())  # as the column holds them


parts = st.sampled_from(["", ".", "..", "s", "image_color", "1.jpg", "C:", "C:s", "..\\..", "\0"]) | st.text(max_size=3)


@settings(max_examples=500)
@given(st.lists(parts, max_size=5).map("/".join))
def test_a_path_that_is_accepted_stays_below_the_images(path):
    try:
        scene_and_frame(path)
    except Malformed:
        return
    for system, root in ((posixpath, "/images"), (ntpath, "D:\\images")):
        place = system.normpath(system.join(root, path))
        assert place.startswith(root + system.sep) and "\0" not in place
