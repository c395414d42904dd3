"""Every task of the registry in every format: what a builder prints can be read, scored, guessed and shown."""

from collections import Counter
from pathlib import Path

import datasets
import numpy as np
import pytest

import metrics
from builders.errors import InputError
from builders.spar.tasks import TASKS
from recipes.answerers.answerer import answer_from_text
from recipes.answerers.baselines import BASELINES, make_baseline
from recipes.grading import GRADERS, grader_of
from recipes.predictions import read_predictions
from recipes.questions import Questions, open_questions
from recipes.results import read_results
from recipes.score_text import score_text
from recipes.scoring import form_named, form_of, rows_by_form, score
from recipes.spar_bench import evaluate
from tests.commands import run
from tests.recipes.made import make_7m_folder, make_row, rows_of_every_form

ROWS = rows_of_every_form(12)
SCORED = [row for row in ROWS if row["metric"]]
SENTENCES = len(ROWS) - len(SCORED)
FORMS = {form.name: [SCORED[i] for i in here] for form, here in rows_by_form(SCORED).items()}

each_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(scope="module")
def seven_m(tmp_path_factory) -> Questions:
    folder = make_7m_folder(tmp_path_factory.mktemp("made") / "spar_7m", ROWS)
    return open_questions(str(folder), split="validation")


def test_every_answer_but_a_sentence_has_a_metric_that_is_a_module_and_has_a_grader():
    for task in TASKS.values():
        for format_type in task.formats:
            name = task.metric(format_type)
            assert (name == "") == (format_type == "sentence"), (task.name, format_type)
            assert not name or name in GRADERS
    for name, grader in GRADERS.items():
        assert hasattr(metrics.load(name), "compute")
        assert grader.label


# ---------------------------------------------------------------- reading and scoring


@each_form
def test_golds_in_words_are_read_back_and_score_1(form: str):
    rows = FORMS[form]
    grader = grader_of(rows[0])
    for say in ("{}", "{}.", "The answer is {}", "<think>It may be otherwise.</think>{}", "<answer>{}</answer>"):
        read = [grader.read(row, say.format(row["answer"])) for row in rows]
        assert [item.status for item in read] == ["ok"] * len(rows), say
        answers = [item.value for item in read]
        assert grader.compare(answers, [row["answer"] for row in rows]).tolist() == [1.0] * len(rows)
        assert score(rows, {row["uid"]: a for row, a in zip(rows, answers)}).metrics[form].value == 100


@each_form
def test_what_is_no_answer_scores_0_and_is_counted(form: str):
    rows = FORMS[form]
    texts = ["", "I cannot tell.", "<think>hmm", "They lie far apart from each other in the room, as it seems to me."]
    given = [answer_from_text(row, text, 0.0) for row in rows for text in texts]
    assert not [answer for answer in given if answer.answer is not None or answer.status == "ok"]
    found = score(rows, {row["uid"]: None for row in rows}).metrics[form]
    assert (found.value, found.n_unparsed) == (0, len(rows))


@each_form
def test_comparing_is_scoring(form: str):
    """Two ways to a score: comparison of answers in the gold's form, and the metric on their texts."""
    rows = FORMS[form]
    grader = grader_of(rows[0])
    for shift in range(len(rows)):
        answers = [answer_from_text(row, rows[(i + shift) % len(rows)]["answer"], 0.0) for i, row in enumerate(rows)]
        texts = [rows[(i + shift) % len(rows)]["answer"] for i in range(len(rows))]
        compared = grader.compare(texts, [row["answer"] for row in rows])
        items = score(rows, {row["uid"]: a.answer for row, a in zip(rows, answers)}).values
        assert compared == pytest.approx(items)
        assert [a.answer is None for a in answers] == [a.status != "ok" for a in answers]


def test_names_of_other_objects_in_the_row_make_an_answer_ambiguous():
    things = [{"object_id": str(i), "label": label, "color": "", "image_index": 0, "point": None, "bbox": None}
              for i, label in enumerate(["bed", "lamp"])]
    row = make_row("distance_infer_center_oo", 0, "bed", format_type="fill", objects=things)
    texts = {"I looked at the bed and then at the lamp": "ambiguous", "The bed is closer to the lamp": "ok"}
    assert {text: grader_of(row).read(row, text).status for text in texts} == texts


def test_units_are_converted_and_counts_have_none():
    rows = {name: make_row(name, 0, "3.0", format_type="fill") for name in ("distance_prediction_oo", "obj_count")}
    rows["obj_count"]["unit"] = ["count"]
    said = {"distance_prediction_oo": "300 cm", "obj_count": "There are three chairs"}
    read = {name: grader_of(row).read(row, said[name]).value for name, row in rows.items()}
    assert read == dict.fromkeys(rows, "3.0")


# ---------------------------------------------------------------- baselines


@each_form
def test_the_oracle_is_right_and_random_and_frequency_meet_their_theory(form: str):
    rows = FORMS[form]
    golds = [row["answer"] for row in rows]
    oracle = make_baseline("oracle", SCORED, 0).answer(rows)
    assert [a.status for a in oracle] == ["ok"] * len(rows)
    compare = grader_of(rows[0]).compare
    table = np.array([compare(golds, [gold] * len(golds)) for gold in golds])
    if rows[0]["options"] or rows[0]["format_type"] == "judge":
        theory = np.full(len(rows), 1 / (len(rows[0]["options"]) or 2))
    else:
        theory = table.mean(axis=1)
    assert make_baseline("random", SCORED, 0).expected(rows) == pytest.approx(theory)
    runs = [make_baseline("random", SCORED, seed).answer(rows) for seed in range(30)]
    scores = [score(rows, {row["uid"]: a.answer for row, a in zip(rows, run)}).values for run in runs]
    assert np.mean(scores) == pytest.approx(theory.mean(), abs=0.12)
    counts = Counter(golds)
    mode = make_baseline("frequency", SCORED, 0).answer(rows[:1])[0].raw_text
    assert counts[mode] == max(counts.values())
    expected = make_baseline("frequency", SCORED, 0).expected(rows)
    assert expected == pytest.approx(compare([mode] * len(rows), golds))


def test_random_draws_golds_of_the_same_task_and_format_only():
    golds = {(row["task"], row["format_type"]): set() for row in SCORED}
    for row in SCORED:
        golds[row["task"], row["format_type"]].add(row["answer"])
    for row, answer in zip(SCORED, make_baseline("random", SCORED, 1).answer(SCORED)):
        choices = set("ABCD"[: len(row["options"])]) or ({"Yes", "No"} if row["format_type"] == "judge" else set())
        assert answer.raw_text in (choices or golds[row["task"], row["format_type"]])


# ---------------------------------------------------------------- spar_7m


def test_the_made_folder_loads_as_its_users_load_it(seven_m: Questions, tmp_path: Path):
    task = SCORED[0]["task"]
    loaded = datasets.load_dataset(seven_m.repo, task, split="validation", cache_dir=str(tmp_path))
    assert loaded["uid"] == [row["uid"] for row in ROWS if row["task"] == task]


def test_all_configs_are_scored_together_but_for_frames_and_objects(seven_m: Questions, tmp_path: Path):
    assert [row["uid"] for row in seven_m.rows] == [row["uid"] for row in ROWS] and seven_m.config == "all"
    results = evaluate(seven_m, "baseline:oracle", tmp_path / "run", progress=False)
    levels = {f"level_{level}" for level in ("low", "medium", "high")}
    assert set(results.metrics) == {*FORMS, *levels, "average"}
    assert {score.value for score in results.metrics.values()} == {100.0}
    assert results.metrics["average"].n == len(SCORED) and results.metrics["average"].n_tasks == len(FORMS)
    assert set(read_predictions(tmp_path / "run/predictions.parquet")) == {row["uid"] for row in SCORED}
    assert results.settings["unscored"] == SENTENCES
    assert f"\nLeft out: {SENTENCES} questions that ask for a sentence" in score_text(results)
    assert read_results(tmp_path / "run") == results


def test_a_form_has_one_name_whatever_stands_beside_it():
    for row in SCORED:
        form = form_of(row)
        assert (form.name == row["task"]) == (TASKS[row["task"]].bench_format == row["format_type"])
        assert form_named(form.name) == form
    assert len({form_of(row).short for row in SCORED}) == len(FORMS)


def test_configs_may_be_named_and_the_command_takes_several(seven_m: Questions, tmp_path: Path):
    names = list(dict.fromkeys(row["task"] for row in SCORED))[:2]
    arguments = [part for name in names for part in ("--config", name)]
    done = run("recipes/spar_bench.py", "--dataset", seven_m.repo, "--split", "validation", *arguments,
               "--model", "baseline:frequency", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    results = read_results(tmp_path / "run")
    assert {name.split("/")[0] for name in results.metrics} - {"average", "level_low", "level_medium",
                                                               "level_high"} == set(names)
    assert results.settings["config"] == ",".join(names) and "Left out: " in done.stdout
    with pytest.raises(InputError, match=r"no split any/test; there are: .*/validation"):
        open_questions(seven_m.repo)
    with pytest.raises(InputError, match="no split frame/validation"):
        open_questions(seven_m.repo, config="frame", split="validation")


def test_a_limit_counts_the_questions_that_are_scored(seven_m: Questions, tmp_path: Path):
    results = evaluate(seven_m, "baseline:random", tmp_path, limit=40, progress=False)
    assert list(read_predictions(tmp_path / "predictions.parquet")) == [row["uid"] for row in SCORED[:40]]
    assert results.metrics["average"].n == 40


def test_sentences_alone_are_refused(tmp_path: Path):
    rows = [row for row in ROWS if not row["metric"]]
    questions = open_questions(str(make_7m_folder(tmp_path / "words", rows)), split="validation")
    with pytest.raises(InputError, match="no question that a metric scores"):
        evaluate(questions, "baseline:oracle", tmp_path / "run")


def test_answers_from_a_file_may_hold_sentences(seven_m: Questions, tmp_path: Path):
    lines = ["id,raw_text", *(f'{row["uid"]},"{row["answer"]}"' for row in ROWS)]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    results = evaluate(seven_m, "mine", tmp_path / "run", predictions=tmp_path / "mine.csv")
    assert results.metrics["average"].value == 100 and results.metrics["average"].n == len(SCORED)


@pytest.mark.parametrize("name", BASELINES)
def test_other_forms_change_no_score_of_a_form(name: str, seven_m: Questions, tmp_path: Path):
    """A form's golds are its own: alone or among others, it is guessed and scored alike."""
    config = "obj_spatial_relation_oo"
    alone = open_questions(seven_m.repo, config=config, split="validation")
    both = [evaluate(q, f"baseline:{name}", tmp_path / str(i), progress=False) for i, q in enumerate((alone, seven_m))]
    for form in (config, f"{config}/judge"):
        assert both[0].metrics[form] == both[1].metrics[form]


def test_of_a_repository_only_the_files_of_the_chosen_configs_are_fetched(seven_m: Questions, monkeypatch):
    """The Hub replaced by a folder: what is asked of it, and at which commit."""
    commit = Path(seven_m.repo).parent / "c0ffee"
    commit.symlink_to(seven_m.repo)
    asked = []

    def snapshot(repo: str, *, repo_type: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((repo, revision, allow_patterns))
        return str(commit)

    monkeypatch.setattr("recipes.questions.snapshot_download", snapshot)
    questions = open_questions("org/seven", revision="v1", config="room_size", split="validation")
    assert (questions.revision, questions.config) == ("c0ffee", "room_size")
    assert asked == [("org/seven", "v1", ["manifest.json"]),
                     ("org/seven", "c0ffee", ["manifest.json", "room_size/validation-00000-of-00001.parquet"])]
    assert {row["task"] for row in questions.rows} == {"room_size"}
