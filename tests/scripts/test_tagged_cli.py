"""Tagged benchmarks as a user builds and checks them."""


import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.hub.files import sha256_of
from builders.hub.manifest import read_manifest, write_manifest
from tests.builders.tagged.made import SIZES, cv_row, depth_row, direction_row, write_cv_parquet, write_json, write_tsv
from tests.commands import run


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A folder with the benchmark as JSON and as TSV."""
    folder = tmp_path_factory.mktemp("bench")
    rows = [depth_row(source, n, ("far", "close")[n % 2], [height * share for share in (0.2, 0.5, 0.7, 0.9)])
            for source, (_, height) in SIZES.items() for n in range(4)] + [direction_row("mp3d", 9, "left")]
    write_json(folder / "embspatial_bench.json", rows)
    write_tsv(folder / "EmbSpatial-Bench.tsv", rows)
    return folder


def test_the_report_prints_votes_and_every_policy_beside_the_papers_counts(bench, tmp_path):
    done = run("scripts/build.py", "embspatial_tagged", "--source", f"file={bench / 'EmbSpatial-Bench.tsv'}", "--set",
               f"boxes={bench / 'embspatial_bench.json'}", "--set", "policy=all_distractors", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.split("\n")]
    for expected in ("mp3d 18 18 0 18 0 0 xywh", "ai2thor 16 0 16 0 16 0 xyxy", "random_distractor 6 6 0 0",
                     "all_distractors (chosen) 6 6 0 0", "the paper, table 1 976 129 101 -", "left 1 not_about_depth"):
        assert expected in lines, done.stdout
    checked = run("scripts/verify.py", tmp_path / "out")
    assert checked.returncode == 0 and "25 checked by computing their tags again, 0 findings" in checked.stdout


@pytest.mark.parametrize("arguments, says", [
    (["embspatial_tagged", "--source", "file=BENCH/EmbSpatial-Bench.tsv"], "add --set boxes=PATH"),
    (["embspatial_tagged", "--source", "file=BENCH/none.json"], "no such file"),
    (["embspatial_tagged", "--source", "scannet=/data"], "expected procedural, hub, hub=REPO"),
    (["embspatial_tagged", "--source", "hub", "--set", "policy=best"], "nearest_in_height"),
    (["embspatial_tagged", "--pixels", "smudged"], "expected auto, embedded or referenced"),
    (["embspatial_tagged", "--pixels", "referenced"], "pixels=referenced applies to photographs"),
    (["embspatial_tagged", "--renderer", "oil"], "renderer 'oil' is unknown"),
    (["cv_bench_tagged", "--source", "file=BENCH/embspatial_bench.json"], "is not nyu-visionx/CV-Bench: no column"),
    (["cv_bench_tagged", "--source", "procedural"], "expected hub, hub=REPO"),
    (["cv_bench_tagged", "--source", "hub", "--seed", "3"], "--seed does not apply to cv_bench_tagged"),
    (["cv_bench_tagged", "--source", "hub", "--set", "policy=all_distractors"], "boxes_from, rectangle_tolerance"),
])
def test_wrong_arguments_end_with_2_and_one_line(bench, arguments, says, tmp_path):
    given = [text.replace("BENCH", str(bench)) for text in arguments]
    result = run("scripts/build.py", *given, "--out", tmp_path / "out")
    assert result.returncode == 2, result.stderr
    (line,) = result.stderr.strip().split("\n")
    assert line.startswith("error: ") and says in line


@pytest.mark.parametrize("column, lie, says", [
    ("heuristic", "counter", "expected consistent"),
    ("vertical_gap", 0.2, "expected 0.3"),
    ("far_object", "table", "the answer is chair"),
    ("far_object", "Table", "is no object with a box"),
    ("untagged_reason", "no_boxes", "and untagged because"),
])
def test_verify_finds_a_lie(bench, column, lie, says, tmp_path):
    out = tmp_path / "out"
    source = f"file={bench / 'embspatial_bench.json'}"
    settings = ("--set", "policy=nearest_in_height")
    assert run("scripts/build.py", "embspatial_tagged", "--source", source, "--out", out, *settings).returncode == 0
    (path,) = (out / "default").glob("*.parquet")
    table = pq.read_table(path)
    values = table[column].to_pylist()
    values[0] = lie
    field = table.schema.field(column)
    lied = table.set_column(table.schema.get_field_index(column), field, pa.array(values, field.type))
    pq.write_table(lied, path)
    manifest = read_manifest(out)
    manifest["files"][f"default/{path.name}"] |= {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    write_manifest(out, manifest)
    found = run("scripts/verify.py", out)
    assert found.returncode == 1 and says in found.stdout, found.stdout


def test_cv_bench_says_how_its_column_lies_on_the_rectangles(tmp_path):
    rows = [cv_row(0, (200, 330, 330, 450), (50, 60, 150, 120)), cv_row(1, (50, 60, 150, 120), (200, 330, 330, 450)),
            cv_row(2, (50, 60, 150, 120), (200, 330, 330, 450), task="Distance")]
    path = write_cv_parquet(tmp_path / "test_3d.parquet", rows)
    done = run("scripts/build.py", "cv_bench_tagged", "--source", f"file={path}", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.split("\n")]
    for expected in ("agree 2", "SUNRGBD xyxy, red first 2 as xyxy, red first", "checked (chosen) 1 1 0 0",
                     "the paper, table 1 363 65 172 -", "Distance 1 compares_distances_to_a_third_object"):
        assert expected in lines, done.stdout
    assert run("scripts/verify.py", tmp_path / "out").returncode == 0
