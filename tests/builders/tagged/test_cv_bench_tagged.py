"""CV-Bench: boxes from the column, from the pictures, and from both held against each other."""

import io
import json

import datasets
import pytest
from PIL import Image

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest
from builders.tagged.cv_bench_tagged import CVBenchTagged
from builders.tagged.verify import row_problems
from tests.builders.tagged.made import CV_COLUMNS, cv_row, write_cv_parquet

HIGH, MIDDLE, LOW = (50, 60, 150, 120), (300, 200, 420, 290), (200, 330, 330, 450)  # centres at 90, 245, 390 of 480


def builder(path, **settings):
    return CVBenchTagged(sources=(f"file={path}",), **settings)


def rows_of(path, **settings):
    return list(builder(path, **settings).as_streaming_dataset("test").decode(False))


def tags_of(path, **settings):
    return [row["heuristic"] or row["untagged_reason"] for row in rows_of(path, **settings)]


def laid_out(row, layout, blue_first=False):
    """The row with its column ``bbox`` written in another layout."""
    boxes = row["bbox"][::-1] if blue_first else row["bbox"]
    if layout == "xywh":
        boxes = [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in boxes]
    return row | {"bbox": boxes}


@pytest.fixture
def rows():
    """(A): the object in the red box is closer. Known tags: consistent, counter, ambiguous, and two without."""
    return [
        cv_row(0, LOW, HIGH, "(A)"),
        cv_row(1, LOW, HIGH, "(B)"),
        cv_row(2, MIDDLE, (30, 210, 120, 300), "(A)"),
        cv_row(3, HIGH, MIDDLE, "(A)", task="Distance"),
        cv_row(4, HIGH, MIDDLE, "(A)", task="Relation"),
    ]


EXPECTED = ["consistent", "counter", "ambiguous", "compares_distances_to_a_third_object", "not_about_depth"]


@pytest.mark.parametrize("layout", ["xyxy", "xywh"])
@pytest.mark.parametrize("blue_first", [False, True])
def test_the_column_is_read_as_it_lies_on_the_rectangles(rows, layout, blue_first, tmp_path):
    path = write_cv_parquet(tmp_path / "a.parquet", [laid_out(row, layout, blue_first) for row in rows])
    build_folder(builder(path), tmp_path / "out", progress=False)
    tags = read_manifest(tmp_path / "out")["tags"]
    words = f"{layout}, {'blue' if blue_first else 'red'} first"
    assert tags["bbox_readings"] == {"SUNRGBD": {"read_as": words, "lies_on_rectangles_as": {words: 3}}}
    assert tags["rectangles"] == {"agree": 3} and tags_of(path) == EXPECTED
    assert tags["counts"] == {way: {"consistent": 1, "counter": 1, "ambiguous": 1, "untagged": 0}
                              for way in ("checked", "column", "rectangles")}
    assert tags["paper"] == {"consistent": 363, "counter": 65, "ambiguous": 172}


def test_layouts_may_differ_by_source(rows, tmp_path):
    other = [laid_out(row | {"idx": 10 + i, "source_dataset": "Hypersim"}, "xywh") for i, row in enumerate(rows)]
    assert tags_of(write_cv_parquet(tmp_path / "a.parquet", rows + other)) == EXPECTED * 2


def test_without_the_column_the_rectangles_serve(rows, tmp_path):
    path = write_cv_parquet(tmp_path / "a.parquet", rows, without=("bbox", "target_size"))
    got = rows_of(path)
    assert [row["heuristic"] or row["untagged_reason"] for row in got] == EXPECTED
    assert got[0]["bbox"] is None and got[0]["target_size"] is None


def test_without_rectangles_the_column_serves_where_its_boxes_tell_their_format(rows, tmp_path):
    plain = [cv_row(i, red, blue, drawn=False) for i, (red, blue) in enumerate([(LOW, HIGH), (MIDDLE, LOW)])]
    assert tags_of(write_cv_parquet(tmp_path / "a.parquet", plain)) == ["consistent", "counter"]
    small = [cv_row(0, (10, 20, 40, 50), (50, 200, 60, 210), drawn=False)]  # inside the image either way
    with pytest.raises(InputError, match="not one of 1 rows can be tagged"):
        tags_of(write_cv_parquet(tmp_path / "b.parquet", small))


def test_a_column_that_lies_off_the_rectangles_is_not_believed(rows, tmp_path):
    moved = [row | {"bbox": [[x1, y1 + 60, x2, y2 + 60] for x1, y1, x2, y2 in row["bbox"]]} if row["idx"] == 1 else row
             for row in rows]
    path = write_cv_parquet(tmp_path / "a.parquet", moved)
    assert tags_of(path)[:3] == ["consistent", "bbox_differs_from_rectangle", "ambiguous"]
    assert tags_of(path, boxes_from="rectangles") == tags_of(path, boxes_from="column") == EXPECTED
    build_folder(builder(path), tmp_path / "out", progress=False)
    assert read_manifest(tmp_path / "out")["tags"]["rectangles"] == {"agree": 2, "differ": 1}


def test_upside_down_consistent_and_counter_change_places(rows, tmp_path):
    turned = [cv_row(row["idx"], *((x1, 480 - y2, x2, 480 - y1) for x1, y1, x2, y2 in row["bbox"]), row["answer"],
                     task=row["task"]) for row in rows]
    got = tags_of(write_cv_parquet(tmp_path / "a.parquet", turned))
    assert got == ["counter", "consistent", *EXPECTED[2:]]


def test_the_band_goes_by_the_decoded_image(tmp_path):
    boxes = (50, 100, 150, 200), (300, 124, 400, 224)  # 24 pixels apart
    rows = [cv_row(n, *boxes, size=(640, height)) for n, height in enumerate((480, 484, 476))]
    assert tags_of(write_cv_parquet(tmp_path / "a.parquet", rows)) == ["counter", "ambiguous", "counter"]


def test_names_say_which_object_is_farther(tmp_path):
    rows = [cv_row(0, LOW, HIGH, "(B)"), cv_row(1, LOW, HIGH, names=("chair", "chair")),
            cv_row(2, LOW, HIGH, names=("table top", "lamp or torch")) | {"choices": ["lamp or torch", "table top"]}]
    got = rows_of(write_cv_parquet(tmp_path / "a.parquet", rows))
    assert [(row["far_object"], row["near_object"]) for row in got] == [
        ("sink", "bottle"), ("chair (blue box)", "chair (red box)"), ("table top", "lamp or torch")]
    assert [row["tag_policy"] for row in got] == ["pair"] * 3


@pytest.mark.parametrize("change, reason", [
    ({"answer": "(C)"}, "answer_is_no_option"),
    ({"answer": None}, "answer_is_no_option"),
    ({"choices": ["sink"]}, "answer_is_no_option"),
    ({"choices": ["sink", "tap"]}, "question_unknown"),
    ({"question": "Which one is closer?"}, "question_unknown"),
    ({"idx": 0}, "duplicate_id"),
    ({"image": b"no picture"}, "image_unreadable"),
    ({"bbox": [[1.0, 2.0, 3.0]]}, "bbox_unreadable"),
])
def test_odd_rows_are_kept_and_counted(rows, change, reason, tmp_path):
    path = write_cv_parquet(tmp_path / "a.parquet", [*rows, cv_row(9, LOW, HIGH) | change])
    got = rows_of(path)
    assert len(got) == 6 and got[-1]["untagged_reason"] == reason
    assert (got[-1]["image"] is None) == (reason == "image_unreadable")


def test_columns_configs_and_splits_as_load_dataset_sees_them(rows, tmp_path):
    path = write_cv_parquet(tmp_path / "a.parquet", rows)
    build_folder(builder(path), tmp_path / "out", progress=False)
    folder = str(tmp_path / "out")
    default = datasets.load_dataset(folder, split="test").cast_column("image", datasets.Image(decode=False))
    assert default.column_names[:15] == list(CV_COLUMNS) and default.column_names[15:] == [
        "heuristic", "vertical_gap", "far_object", "near_object", "tag_policy", "untagged_reason"]
    for got, row in zip(default, rows, strict=True):
        assert {name: got[name] for name in CV_COLUMNS if name != "image"} == {
            name: row[name] for name in CV_COLUMNS if name != "image"}
        assert got["image"] == {"bytes": row["image"], "path": row["filename"]}
    depth = datasets.load_dataset(folder, "depth")
    assert {tag: held["idx"][:] for tag, held in depth.items()} == {"consistent": [0], "counter": [1], "ambiguous": [2]}
    assert "| the paper, table 1 | 363 | 65 | 172 | - |" in (tmp_path / "out" / "README.md").read_text()


def test_json_lines_take_their_pictures_from_files_beside_them(rows, tmp_path):
    lines = []
    for row in rows:
        path = tmp_path / row["filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.open(io.BytesIO(row["image"])).save(path)
        lines.append(json.dumps({name: value for name, value in row.items() if name != "image"}))
    (tmp_path / "test_3d.jsonl").write_text("\n".join(lines))
    assert tags_of(tmp_path / "test_3d.jsonl") == EXPECTED


@pytest.mark.parametrize("settings, says", [
    ({"boxes_from": "both"}, "expected one of checked, column, rectangles"),
    ({"rectangle_tolerance": -1.0}, "expected a number of 0 or more"),
    ({"sources": ("procedural",)}, "expected hub, hub=REPO"),
])
def test_wrong_settings_are_refused(settings, says):
    with pytest.raises(InputError, match=says):
        assert CVBenchTagged(**({"sources": ("file=a.parquet",)} | settings)).refs


def test_verification_reads_the_column_as_the_manifest_says(rows, tmp_path):
    made = [laid_out(row, "xywh", blue_first=True) for row in rows]
    made += [laid_out(cv_row(20, LOW, HIGH, names=("chair", "chair")), "xywh", blue_first=True)]
    build_folder(builder(write_cv_parquet(tmp_path / "a.parquet", made)), tmp_path / "out", progress=False)
    manifest = read_manifest(tmp_path / "out")
    held = datasets.load_dataset(str(tmp_path / "out"), split="test").cast_column("image", datasets.Image(decode=False))
    assert [row_problems(row, manifest) for row in held] == [[]] * 6
    swapped = {"far_object": held[0]["near_object"], "near_object": held[0]["far_object"]}
    found = row_problems(held[0] | swapped, manifest)
    assert [problem.split(":")[1][:7] for problem in found] == [" tagged", " vertic", " the an"]
