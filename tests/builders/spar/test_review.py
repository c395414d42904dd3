"""Verdicts of people: a rejected row is gone, the others stay, and a list that is none is refused."""

import csv
import hashlib
import json

import datasets
import pytest

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest
from builders.spar.review import Review, read_review, rows_to_review, write_review
from builders.spar.spar_bench import SparBench
from tests.builders.toy import toy_room, write_scannet


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    for i in range(2):
        write_scannet(root, toy_room(seed=i, scene_id=f"scene{i:04d}_00"))
    return root


def bench(scans, review="", per_task=4):
    return SparBench(sources=(f"scannet={scans}",), bench_scenes="all", per_task=per_task, tiny_per_task=2,
                     review=review)


@pytest.fixture(scope="module")
def folder(scans, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "bench"
    build_folder(bench(scans), out, progress=False)
    return out


def uids(folder, config="default"):
    return datasets.load_dataset(str(folder), config, split="test")["uid"][:]


def write_csv(path, lines):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("uid", "verdict", "note"), *lines])
    return str(path)


def test_rejected_rows_are_replaced_and_the_others_stay(scans, folder, tmp_path):
    before = uids(folder)
    task = "depth_prediction_oc"
    of_task = [uid for uid in before if f"/{task}/" in uid]
    bad, good = of_task[:2], of_task[2]
    path = tmp_path / "review.csv"
    write_csv(path, [*((uid, "reject", "wrong, says she") for uid in bad), (good, "Accept ", ""), (before[-1], "", ""),
                     ("scannet/scene0000_00/of/another/build", "reject", "")])
    result = build_folder(bench(scans, str(path)), tmp_path / "out", progress=False)
    after = uids(tmp_path / "out")
    assert set(before) - set(after) == set(bad)
    assert len(after) == len(before)
    assert [uid.split("/")[2] for uid in set(after) - set(before)] == [task] * 2
    assert not set(bad) & set(uids(tmp_path / "out", "tiny"))
    ids = datasets.load_dataset(str(tmp_path / "out"), split="test")["id"][:]
    assert ids == list(range(len(ids)))
    assert result.manifest["review"] == {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "accepted": 1, "rejected": 2, "unreviewed": 1,
        "unknown": 1, "unknown_first": ["scannet/scene0000_00/of/another/build"]}
    assert path.name not in (tmp_path / "out" / "manifest.json").read_text()
    assert read_manifest(folder)["review"] is None


def test_a_review_needs_no_scene_again(scans, folder, tmp_path):
    """Verdicts choose among rows that exist: no part is made again."""
    out = tmp_path / "out"
    build_folder(bench(scans), out, progress=False)
    path = write_csv(tmp_path / "review.csv", [(uids(folder)[0], "reject", "")])
    assert build_folder(bench(scans, path), out, progress=False).reused == 2


def test_streamed_rows_are_reviewed_too(scans, folder, tmp_path):
    streamed = [row["uid"] for row in bench(scans).as_streaming_dataset(split="test")]
    path = write_csv(tmp_path / "review.csv", [(streamed[0], "reject", "")])
    left = [row["uid"] for row in bench(scans, path).as_streaming_dataset(split="test")]
    assert streamed[0] not in left and set(streamed[1:]) <= set(left)


@pytest.mark.parametrize("name", ["review.csv", "review.jsonl"])
def test_a_list_made_from_a_folder_is_read_back_as_not_reviewed(folder, tmp_path, name):
    path = tmp_path / name
    assert write_review(path, rows_to_review(folder)) == len(uids(folder))
    review = read_review(str(path))
    assert list(review.verdicts) == uids(folder) and set(review.verdicts.values()) == {""} and not review.rejected
    assert "question" in path.read_text().split("\n")[0]
    with pytest.raises(InputError, match="may hold verdicts"):
        write_review(path, rows_to_review(folder))


def test_both_forms_say_the_same(tmp_path):
    lines = [("s/a/t/fill/0", "accept", "line\nbreak"), ("s/a/t/fill/1", "reject", 'a "quote", a comma')]
    table = read_review(write_csv(tmp_path / "r.csv", lines))
    path = tmp_path / "r.jsonl"
    path.write_text("\n\n".join(json.dumps(dict(zip(("uid", "verdict", "note"), line))) for line in lines))
    assert read_review(str(path)).verdicts == table.verdicts == {line[0]: line[1] for line in lines}
    assert read_review("") == Review()


@pytest.mark.parametrize("name, text, says", [
    ("r.csv", "uid,verdict,note\na,accept,\nb,maybe,\n", "line 3: verdict 'maybe'; expected accept, reject or nothing"),
    ("r.csv", "uid,verdict,note\n,reject,\n", "line 2: no uid"),
    ("r.csv", "uid,note\na,fine\n", "line 1: no column 'verdict'"),
    ("r.csv", "", "line 1: no column"),
    ("r.csv", "uid,verdict,note\na,reject\n", "line 2: expected 3 columns"),
    ("r.csv", "uid,verdict,note\na,reject,\na,accept,\n", "line 3: a occurs twice"),
    ("r.csv", 'uid,verdict,note\n"a"b,reject,\n', "line 2: not CSV"),
    ("r.jsonl", '{"uid": "a", "verdict": "accept"}\n\n{"uid": "b"\n', "line 3: not JSON"),
    ("r.csv", "uid,verdict,verdict\na,reject,accept\n", "line 1: two columns 'verdict'"),
    ("r.JSONL", "[" * 100_000, "line 1: not JSON"),
    ("r.jsonl", '["a", "reject"]\n', "line 1: expected an object"),
    ("r.jsonl", '{"uid": "a"}\n', "line 1: verdict None"),
    ("r.jsonl", '{"uid": 7, "verdict": "accept"}\n', "line 1: no uid"),
    ("r.jsonl", '{"uid": "a", "verdict": ["reject"]}\n', r"line 1: verdict \['reject'\]"),
])
def test_malformed_lists_are_refused_with_the_line(tmp_path, name, text, says):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_review(str(path))


def test_a_list_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_review(str(tmp_path / "none.csv"))


def test_a_folder_that_is_no_dataset_gives_no_list(tmp_path):
    with pytest.raises(InputError, match="not a finished Vantage dataset"):
        list(rows_to_review(tmp_path))
