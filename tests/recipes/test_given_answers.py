"""Answers from a file score the same in every format; what is missing is counted, and what is wrong is named."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.errors import InputError
from recipes.questions import Questions
from recipes.results import Results
from recipes.spar_bench import evaluate


def write(path: Path, records: list[dict]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
    return path


def scored(questions: Questions, path: Path, out: Path) -> Results:
    return evaluate(questions, "mine", out, predictions=path)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
@pytest.mark.parametrize("column", ["raw_text", "answer"])
def test_every_format_and_wordy_answers(small: Questions, tmp_path: Path, suffix: str, column: str):
    say = {"fill": "I think it is {} meters.", "select": "The answer is ({})."}
    records = [{"id": r["uid"], column: say[r["format_type"]].format(r["answer"])} for r in small.rows]
    result = scored(small, write(tmp_path / f"mine{suffix}", records), tmp_path / "run")
    assert {score.value for score in result.metrics.values()} == {100.0}


def test_lines_end_at_line_feeds_alone(small: Questions, tmp_path: Path):
    """Some editors begin with a byte-order mark, and some models say U+2028, which JSON need not escape."""
    answers = [{"id": r["uid"], "raw_text": f"So:\u2028{r['answer']}"} for r in small.rows]
    lines = [json.dumps(answer, ensure_ascii=False) for answer in answers]
    path = tmp_path / "mine.jsonl"
    path.write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8", newline="")
    result = scored(small, path, tmp_path / "run")
    assert {score.value for score in result.metrics.values()} == {100.0}


def test_missing_and_unreadable_answers_score_0_and_are_counted(small: Questions, tmp_path: Path):
    task = [r for r in small.rows if r["task"] == "depth_prediction_oc"]
    texts = {r["uid"]: r["answer"] for r in small.rows}
    del texts[task[0]["uid"]], texts[task[1]["uid"]]
    texts[task[2]["uid"]] = "I cannot tell."
    texts[task[3]["uid"]] = ""
    path = write(tmp_path / "mine.csv", [{"id": uid, "raw_text": text} for uid, text in texts.items()])
    result = scored(small, path, tmp_path / "run")
    assert result.metrics["depth_prediction_oc"].value == pytest.approx(60)
    assert result.metrics["depth_prediction_oc"].n == 10
    assert [result.metrics[name].n_unparsed for name in ("depth_prediction_oc", "level_low", "average")] == [4, 4, 4]
    assert result.settings["answers_by_status"] == {"ok": 36, "missing": 2, "refused": 1, "empty": 1}


def test_answers_in_another_unit_are_converted(small: Questions, tmp_path: Path):
    records = [{"id": r["uid"], "raw_text": f"{float(r['answer']) * 100:.0f} cm"}
               for r in small.rows if r["format_type"] == "fill"]
    result = scored(small, write(tmp_path / "mine.jsonl", records), tmp_path / "run")
    assert result.metrics["level_low"].value == 100.0


@pytest.mark.parametrize(
    ("break_", "message"),
    [
        (lambda records: [*records, records[3]], "more than once.*/distance_infer_center_oo/select/0"),
        (lambda records: [*records, {"id": "made/room_9/x/fill/0", "raw_text": "1"}], "1 of 41 ids.*room_9"),
        (lambda records: [{"uid": r["id"], "text": "1"} for r in records], "uid, text; expected id and raw_text"),
        (lambda records: [], "holds no answers"),
    ],
)
def test_files_that_do_not_fit_are_refused(small: Questions, tmp_path: Path, break_, message: str):
    records = [{"id": r["uid"], "raw_text": r["answer"]} for r in small.rows]
    with pytest.raises(InputError, match=message):
        scored(small, write(tmp_path / "mine.jsonl", break_(records)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["absent.csv", "broken.parquet", "broken.jsonl", "answers.txt"])
def test_files_that_cannot_be_read_are_named(small: Questions, tmp_path: Path, name: str):
    if name != "absent.csv":
        (tmp_path / name).write_text("{not a file")
    with pytest.raises(InputError, match=name):
        scored(small, tmp_path / name, tmp_path / "run")


def test_the_file_may_be_corrected_and_scored_again(small: Questions, tmp_path: Path):
    wrong = [{"id": r["uid"], "raw_text": "0.001" if r["format_type"] == "fill" else "F"} for r in small.rows]
    right = [{"id": r["uid"], "raw_text": r["answer"]} for r in small.rows]
    values = [scored(small, write(tmp_path / "mine.jsonl", records), tmp_path / "run").metrics["average"].value
              for records in (wrong, right)]
    assert values == [0.0, 100.0]
