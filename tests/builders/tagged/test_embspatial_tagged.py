"""The built dataset: box formats, the band, the mirror, odd input, configs and splits as ``load_dataset`` sees them."""

import base64
import csv
import io
import json
from pathlib import Path

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import recipes
from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.hub.manifest import file_problems, read_manifest
from builders.tagged import cv_bench_tagged, embspatial_tagged
from builders.tagged.boxes import Votes, decide
from builders.tagged.embspatial_tagged import EmbSpatialTagged
from tests.builders.tagged.made import NAMES, SIZES, box, depth_row, direction_row, jpeg, write_json, write_parquet

TAGS = ("consistent", "counter", "ambiguous")


def builder(path, **made):
    return EmbSpatialTagged(sources=(f"file={path}",), **({"policy": "all_distractors"} | made))


def rows_of(path, **made):
    return {row["question_id"]: row for row in builder(path, **made).as_streaming_dataset("test").decode(False)}


def tags_of(path, **made):
    return {key: row["heuristic"] or row["untagged_reason"] for key, row in rows_of(path, **made).items()}


def plain_rows(source="mp3d", count=3, **more):
    """Consistent rows that tell their source's box format."""
    height = SIZES[source][1]
    return [depth_row(source, 100 + n, "far", [height * share for share in (0.25, 0.5, 0.75, 0.75)], **more)
            for n in range(count)]


# Box formats


def test_box_formats_are_told_apart_source_by_source(tmp_path):
    path = write_json(tmp_path / "a.json", [row for source in SIZES for row in plain_rows(source)])
    build_folder(builder(path), tmp_path / "out", progress=False)
    votes = read_manifest(tmp_path / "out")["tags"]["box_formats"]
    assert {source: held["decided"] for source, held in votes.items()} == {
        "mp3d": "xywh", "ai2thor": "xyxy", "scannet": "xyxy"}
    assert all(held["boxes"] == held["only_" + held["decided"]] == 12 for held in votes.values())


def test_the_boxes_of_the_published_readme_are_read_as_they_lie():
    """Three boxes that the benchmark's README shows."""
    mp3d, ai2thor = Votes(), Votes()
    mp3d.add([0, 396, 640, 84], 640, 480, 0)
    for numbers in ([87, 223, 129, 300], [188, 73, 215, 111]):
        ai2thor.add(numbers, 300, 300, 0)
    assert decide({"mp3d": mp3d, "ai2thor": ai2thor}, {}) == {"mp3d": "xywh", "ai2thor": "xyxy"}


@pytest.mark.parametrize("line", [[50, 60, 0, 0], [50, 60, 50, 60], [640, 10, 0, 90], [10, 480, 90, 480]])
def test_a_box_without_an_area_does_not_outvote_those_that_have_one(line):
    for decisive, winner in ([10, 400, 600, 80], "xywh"), ([300, 400, 600, 480], "xyxy"):
        votes = Votes()
        votes.add(line, 640, 480, 0)
        assert votes.winner == ""
        votes.add(decisive, 640, 480, 0)
        assert votes.winner == winner


@settings(max_examples=60)
@given(st.sampled_from(["xywh", "xyxy"]), st.integers(0, 10**6))
def test_the_format_that_boxes_were_written_in_wins(layout, seed):
    rng = np.random.default_rng(seed)
    votes = Votes()
    for _ in range(40):
        width, height = rng.integers(200, 1300, 2).tolist()
        (x1, x2), (y1, y2) = (sorted(rng.choice(side + 1, 2, replace=False).tolist()) for side in (width, height))
        votes.add([x1, y1, x2, y2] if layout == "xyxy" else [x1, y1, x2 - x1, y2 - y1], width, height, 1)
    assert votes.winner == layout and votes.neither == 0


@pytest.mark.parametrize("boxes", [
    [[10, 10, 100, 100]] * 4,  # small boxes at the upper left lie inside both ways
    [[10, 10, 400, 100], [300, 10, 400, 100], [10, 300, 5, 20], [10, 10, 20, 20]],  # one xyxy only, one xywh only
])
def test_a_source_whose_boxes_do_not_tell_is_an_error(boxes, tmp_path):
    row = depth_row("mp3d", 1, "far", (50, 100, 150, 200))
    row["objects"] = [{"name": name, "bbox": numbers} for name, numbers in zip(NAMES, boxes)]
    path = write_json(tmp_path / "a.json", [row, *plain_rows("ai2thor")])
    with pytest.raises(InputError, match=r"format of mp3d cannot be told: of 4 boxes.*box_formats=mp3d=xyxy"):
        tags_of(path)
    assert set(tags_of(path, box_formats="mp3d=xywh")) == {"mp3d_1", *(f"ai2thor_{n}" for n in (100, 101, 102))}


def test_the_format_of_a_source_that_no_row_has_is_an_error(tmp_path):
    path = write_json(tmp_path / "a.json", plain_rows("ai2thor"))
    with pytest.raises(InputError, match="no boxes are of mpd3; sources with boxes: ai2thor"):
        tags_of(path, box_formats="mpd3=xywh")


def test_the_format_of_rows_without_a_source_can_be_given(tmp_path):
    row = depth_row("mp3d", 1, "far", (50, 100, 150, 200)) | {"question_id": "1", "data_source": None}
    row["objects"] = [{"name": name, "bbox": [10, y, 100, 90]} for name, y in zip(NAMES, (10, 60, 70, 80))]
    path = write_json(tmp_path / "a.json", [row])
    with pytest.raises(InputError, match=r"of rows without data_source cannot be told: .*box_formats==xyxy"):
        tags_of(path)
    assert tags_of(path, box_formats="=xywh") == {"1": "consistent"}


# The band and the image height


def exact_row(number, height, gap, relation="far"):
    """A row in an image of this height; its answer is ``gap`` pixels higher than all others, in tenths of a pixel."""
    size = (700, height)
    top = 20.1
    row = depth_row("scannet", number, relation, (50, 50, 50, 50), size=size)
    for item, rise in zip(row["objects"], (0, gap, gap, gap)):
        item["bbox"] = [5, round(top + rise, 1), 690, round(top + rise + 30.2, 1)]
    return row


def test_at_exactly_five_percent_a_row_is_not_ambiguous(tmp_path):
    heights = (300, 480, 968, 1000, 1440)
    asked = [(height, tenths, relation) for height in heights for tenths in (-1, 0, 1) for relation in ("far", "close")]
    rows = [exact_row(n, height, round(height * 0.05 + tenths / 10, 1), relation)
            for n, (height, tenths, relation) in enumerate(asked)]
    got = tags_of(write_json(tmp_path / "a.json", rows), box_formats="scannet=xyxy")
    for n, (_, tenths, relation) in enumerate(asked):
        decided = "consistent" if relation == "far" else "counter"
        assert got[f"scannet_{n}"] == (decided if tenths >= 0 else "ambiguous")


def test_the_band_goes_by_the_decoded_image_not_by_the_sources_usual_one(tmp_path):
    usual = depth_row("mp3d", 1, "far", (100, 130, 130, 130))  # 30 of 480 pixels: 6 %
    tall = depth_row("mp3d", 2, "far", (100, 130, 130, 130), size=(480, 640))  # 30 of 640: less than 5 %
    low = depth_row("mp3d", 3, "close", (100, 118, 118, 118), size=(640, 300))  # 18 of 300
    path = write_json(tmp_path / "a.json", [usual, tall, low, *plain_rows()])
    got = tags_of(path)
    assert [got[f"mp3d_{n}"] for n in (1, 2, 3)] == ["consistent", "ambiguous", "counter"]


def test_an_image_that_its_camera_turned_is_as_high_as_it_is_shown(tmp_path):
    """EXIF orientation 6: stored 640 x 480, shown 480 x 640 by ``datasets``."""
    row = depth_row("mp3d", 1, "far", (100, 130, 130, 130), size=(480, 640))
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(io.BytesIO(jpeg(640, 480))).save(buffer, "JPEG", exif=exif)
    path = write_json(tmp_path / "a.json", [row | {"image": buffer.getvalue()}, *plain_rows()])
    shown = next(iter(builder(path).as_streaming_dataset("test")))
    assert (shown["image"].size, shown["heuristic"]) == ((480, 640), "ambiguous")


# The mirror


def upside_down(row):
    height = SIZES[row["data_source"]][1]
    image = Image.open(io.BytesIO(row["image"])).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    flipped = []
    for item in row["objects"]:
        x, y, a, b = item["bbox"]
        turned = [x, height - y - b, a, b] if row["data_source"] == "mp3d" else [x, height - b, a, height - y]
        flipped.append(item | {"bbox": turned})
    return row | {"image": buffer.getvalue(), "objects": flipped}


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """A benchmark, and the same with every image and its boxes upside down."""
    folder = tmp_path_factory.mktemp("mirrored")
    rng = np.random.default_rng(2)
    rows = [depth_row(source, n, ("far", "close")[n % 2], rng.integers(10, height - 10, 4).tolist())
            for source, (_, height) in SIZES.items() for n in range(16)]
    rows += [depth_row(source, 50, "far", (150, 151, 152, 153)) for source in SIZES]
    return write_json(folder / "up.json", rows), write_json(folder / "down.json", [upside_down(row) for row in rows])


@pytest.mark.parametrize("policy", ["random_distractor", "row_order_random", "nearest_in_height", "all_distractors"])
def test_upside_down_consistent_and_counter_change_places(policy, mirrored):
    up, down = (tags_of(path, policy=policy) for path in mirrored)
    swapped = {"consistent": "counter", "counter": "consistent"}
    assert down == {key: swapped.get(tag, tag) for key, tag in up.items()}
    assert set(up.values()) >= set(TAGS)


# Odd input: every row stays, and what is odd is counted


def odd_rows():
    """(row, why it has no tag; or "" where one object less does no harm, name of the oddity)."""

    def row(number, **changes):
        made = depth_row("mp3d", number, "far", (100, 200, 300, 400)) | changes
        return made | {"objects": changes.get("objects", made["objects"])}

    whole = depth_row("mp3d", 0, "far", (100, 200, 300, 400))
    boxes = whole["objects"]
    text = base64.b64encode(whole["image"]).decode()
    nan = float("nan")
    return [
        (row(1, objects=[]), "no_boxes", "no_boxes"),
        (row(2), "duplicate_id", "duplicate_id"),
        (row(2), "duplicate_id", "duplicate_id"),
        (row(3, objects=boxes[:3]), "", "fewer_than_four_boxes"),
        (row(4, objects=boxes[1:]), "option_without_box", "fewer_than_four_boxes"),
        (row(5, answer_options=["chair", "table", "table", "sofa"]), "", "duplicate_option"),
        (row(6, answer_options=["chair", "Chair", "lamp", "sofa"]), "duplicate_option", "duplicate_option"),
        (row(7, answer_options=["chair", "Unknown", "lamp", "sofa"]), "", "unknown_option"),
        (row(8, answer_options=["Unknown", "table", "lamp", "sofa"]), "unknown_option", "unknown_option"),
        (row(9, answer_options=["chair", nan, "lamp", "sofa"]), "", "missing_option"),
        (row(10, answer_options=[nan, "table", "lamp", "sofa"]), "unknown_option", "missing_option"),
        (row(11, image=text[:-3]), "image_unreadable", "image_unreadable"),
        (row(12, image=text[: len(text) // 8 * 4]), "image_unreadable", "image_unreadable"),
        (row(13, image="no picture"), "image_unreadable", "image_unreadable"),
        (row(14, image=None), "image_unreadable", "image_unreadable"),
        (row(15, answer=4), "answer_is_no_option", "answer_is_no_option"),
        (row(16, answer=nan), "answer_is_no_option", "answer_is_no_option"),
        (row(23, answer=1e300), "answer_is_no_option", "answer_is_no_option"),
        (row(24, answer_options="chair"), "answer_is_no_option", "answer_is_no_option"),
        (row(25, answer="(A)", answer_options='["chair", "table", "lamp", "sofa"]'), "", ""),
        (row(17, objects=[{"name": "chair", "bbox": [600, 10, 3000, 4000]}, *boxes[1:]]), "box_outside_image",
         "box_outside_image"),
        (row(18, objects=[{"name": "chair", "bbox": [1, 2, nan, 4]}, *boxes[1:]]), "box_malformed", "box_malformed"),
        (row(19, objects=[{"name": "chair", "bbox": [1, 2, 3]}, *boxes[1:]]), "box_malformed", "box_malformed"),
        (row(26, objects=[{"name": "chair", "bbox": [50, 60, 0, 0]}, *boxes[1:]]), "box_without_area",
         "box_without_area"),
        (row(20, objects=[*boxes, boxes[0]]), "duplicate_object", "duplicate_object"),
        (row(21, question_id=None), "no_question_id", "no_question_id"),
        (row(22, relation="behind"), "not_about_depth", "relation_unknown"),
    ]


def test_odd_rows_are_kept_counted_and_only_as_untagged_as_they_must_be(tmp_path):
    odd = odd_rows()
    path = write_json(tmp_path / "a.json", [row for row, _, _ in odd] + plain_rows())
    build_folder(builder(path, policy="random_distractor"), tmp_path / "out", progress=False)
    rows = datasets.load_dataset(str(tmp_path / "out"), split="test").cast_column("image", datasets.Image(decode=False))
    assert len(rows) == len(odd) + 3
    for got, (row, reason, _) in zip(rows, odd):
        assert got["untagged_reason"] == reason, row["question_id"]
        assert got["heuristic"] == ("" if reason else "consistent")
        assert (got["image"] is None) == (reason == "image_unreadable")
        assert got["near_object"] in ("", "table", "lamp", "sofa") and "nknown" not in got["near_object"]
    tags = read_manifest(tmp_path / "out")["tags"]
    expected = {name: sum(other == name for _, _, other in odd) for _, _, name in odd if name}
    assert tags["problems"] == expected
    assert sum(tags["counts"]["random_distractor"].values()) == len(odd) + 3 - 1


@pytest.mark.parametrize("change", [{"objects": []}, {"image": "x"}, {"relation": "left"}, {"answer": 9}])
def test_a_benchmark_without_a_single_tag_is_refused(change, tmp_path):
    path = write_json(tmp_path / "a.json", [row | change for row in plain_rows()])
    with pytest.raises(InputError, match="not one of 3 rows can be tagged"):
        build_folder(builder(path), tmp_path / "out", progress=False)
    assert not (tmp_path / "out" / "manifest.json").exists()


# The dataset


def test_the_papers_counts_are_those_of_its_table():
    with (Path(recipes.__file__).parent / "published" / "split_counts.csv").open() as file:
        table = {row["type"]: row for row in csv.DictReader(line for line in file if not line.startswith("#"))}
    for counts, column in ((embspatial_tagged.PAPER_COUNTS, "embspatial"), (cv_bench_tagged.PAPER_COUNTS, "cv3d")):
        assert counts == {tag: int(table[tag][column]) for tag in TAGS}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """300 rows, so three parts."""
    rng = np.random.default_rng(9)
    rows = [depth_row("mp3d", n, ("far", "close")[n % 2], rng.integers(12, 108, 4).tolist(), int(rng.integers(4)),
                      size=(160, 120)) for n in range(260)]
    rows += [depth_row("mp3d", 260 + n, "far", (50, 51, 52, 53), size=(160, 120)) for n in range(10)]
    rows += [direction_row("scannet", 300 + n, "under") for n in range(30)]
    order = rng.permutation(len(rows)).tolist()
    return write_parquet(tmp_path_factory.mktemp("bench") / "bench.parquet", [rows[i] for i in order])


def test_configs_and_splits_as_load_dataset_sees_them(bench, tmp_path):
    result = build_folder(builder(bench), tmp_path / "out", progress=False)
    folder = str(tmp_path / "out")
    default = datasets.load_dataset(folder, split="test")
    depth = datasets.load_dataset(folder, "depth")
    assert list(depth) == list(TAGS) and len(default) == 300
    assert default.column_names == [
        "question_id", "data_source", "scene_id", "question", "relation", "image", "answer_options", "answer",
        "objects", "heuristic", "vertical_gap", "far_object", "near_object", "tag_policy", "untagged_reason"]
    for tag in TAGS:
        named = zip(default["question_id"], default["heuristic"])
        assert depth[tag]["question_id"][:] == [name for name, held in named if held == tag]
    counts = result.manifest["tags"]["counts"]["all_distractors"]
    assert {tag: len(depth[tag]) for tag in TAGS} == {tag: counts[tag] for tag in TAGS}
    assert result.manifest["tags"]["paper"] == {"consistent": 976, "counter": 129, "ambiguous": 101}
    assert file_problems(tmp_path / "out", result.manifest) == []
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"| `all_distractors` (this dataset) | {counts['consistent']} |" in card and "976" in card


@pytest.mark.parametrize("config, split", [("default", "test"), ("depth", "counter")])
def test_streaming_gives_the_rows_of_the_folder(bench, config, split, tmp_path):
    build_folder(builder(bench), tmp_path / "out", progress=False)
    held = datasets.load_dataset(str(tmp_path / "out"), config, split=split).cast_column(
        "image", datasets.Image(decode=False))
    streamed = builder(bench, config_name=config).as_streaming_dataset(split)
    assert list(streamed.decode(False)) == list(held)


def test_another_policy_takes_up_the_parts_there_are(bench, tmp_path):
    first = build_folder(builder(bench), tmp_path / "out", progress=False)
    again = build_folder(builder(bench, policy="nearest_in_height"), tmp_path / "out", progress=False)
    alone = build_folder(builder(bench, policy="nearest_in_height"), tmp_path / "alone", progress=False)
    assert (first.reused, again.reused, len(again.manifest["scenes"])) == (0, 3, 3)
    assert again.manifest["files"] == alone.manifest["files"] != first.manifest["files"]


def test_two_processes_give_the_same_files(bench, tmp_path):
    one, two = (build_folder(builder(bench), tmp_path / str(n), workers=n, progress=False) for n in (1, 2))
    assert one.manifest == two.manifest


def test_an_edited_file_is_read_again(tmp_path):
    path = write_json(tmp_path / "a.json", plain_rows())
    build_folder(builder(path), tmp_path / "out", progress=False)
    rows = plain_rows()
    rows[0]["objects"][0]["bbox"] = box(470, 10, "xywh", SIZES["mp3d"])
    write_json(path, rows)
    result = build_folder(builder(path), tmp_path / "out", progress=False)
    assert result.reused == 0 and result.manifest["tags"]["counts"]["all_distractors"]["counter"] == 1


def test_the_manifest_says_what_was_read_and_no_path(bench, tmp_path):
    boxes = write_json(tmp_path / "boxes.json", plain_rows())
    manifest = build_folder(builder(bench, boxes=str(boxes)), tmp_path / "out", progress=False).manifest
    assert manifest["settings"]["input"]["file"] == "bench.parquet" and manifest["settings"]["input"]["rows"] == 300
    assert manifest["settings"]["policy"] == "all_distractors" and len(manifest["settings"]["boxes"]) == 64
    assert str(tmp_path) not in json.dumps(manifest) and str(bench.parent) not in json.dumps(manifest)
