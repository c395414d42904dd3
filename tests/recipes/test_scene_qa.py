"""ScanQA and SQA3D: files in the form of their releases, scores against the libraries' own, pictures of real frames."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builders.errors import InputError
from builders.scenes import open_source
from recipes import evaluation
from recipes.answerers.answerer import Answer
from recipes.captions import caption_scores
from recipes.predictions import read_predictions
from recipes.reporting.compare_page import write_comparison
from recipes.results import read_results
from recipes.scene_qa import scene_recipe, score_scene_qa
from recipes.scene_questions import open_scene_questions
from recipes.scene_views import SceneViews
from tests.commands import ROOT, run

STUDIO = f"json={ROOT / 'examples/scenes'}"

SCANQA = [
    {"answers": ["dark brown", "brown"], "object_ids": [4, 5], "object_names": ["chair", "chair"], "scene_id": "studio",
     "question": "What color is the chair in the kitchen?", "question_id": "val-scene0011-0"},
    {"answers": ["on left side of desk"], "object_ids": [7], "object_names": ["lamp"], "scene_id": "studio",
     "question": "Where is the lamp?", "question_id": "val-scene0011-1"},
    {"answers": ["2", "2 chairs"], "object_ids": [1], "object_names": ["chair"], "scene_id": "annex",
     "question": "How many chairs are at the table?", "question_id": "val-scene0015-0"},
    {"answers": ["tv"], "object_ids": [9], "object_names": ["tv"], "scene_id": "annex",
     "question": "What is on the wall?", "question_id": "val-scene0015-1"},
]


def scanqa(folder: Path, *more: object, split: str = "val") -> str:
    folder.mkdir(exist_ok=True)
    (folder / f"ScanQA_v1.0_{split}.json").write_text(json.dumps([*SCANQA, *more]))
    return str(folder)


def sqa3d(folder: Path, **changed: object) -> str:
    """Both files as they are released: questions in no order of scenes, ids that are numbers."""
    asked = [("studio", "Is the door open?", "no"), ("annex", "What is behind me?", "table"),
             ("studio", "Which direction is the desk?", "left"), ("annex", "How many chairs are there?", "two"),
             ("studio", "Can I see the bed?", "yes"), ("studio", "If I turn, do I face the lamp?", "yes")]
    head = {"info": {"version": "1.0"}, "data_type": "scannet", "data_subtype": "v2"}
    questions = [{"scene_id": scene, "situation": "I am facing the desk.", "alternative_situation": [],
                  "question": question, "question_id": 220602000000 + i}
                 for i, (scene, question, _) in enumerate(asked)]
    annotations = [{"scene_id": scene, "question_type": "N/A", "answer_type": "other", "question_id": 220602000000 + i,
                    "answers": [{"answer": answer, "answer_confidence": "yes", "answer_id": 1}],
                    "rotation": {"_x": 0, "_y": 0, "_z": 0, "_w": 1}, "position": {"x": 0.1, "y": 0.2, "z": 0}}
                   for i, (scene, _, answer) in enumerate(asked)]
    questions[0] |= changed
    (folder / "balanced").mkdir(parents=True)
    for name, key, held in (("questions", "questions", questions), ("sqa_annotations", "annotations", annotations)):
        (folder / f"balanced/v1_balanced_{name}_test_scannetv2.json").write_text(json.dumps(head | {key: held}))
    return str(folder)


def answered(texts: dict[str, str]) -> dict[str, Answer]:
    return {uid: Answer(text, text or None, "ok" if text else "empty", None, 0.0) for uid, text in texts.items()}


# ---------------------------------------------------------------- reading


def test_rows_are_the_release_s_sorted_by_scene_with_reasons_for_those_left_out(tmp_path: Path):
    bad = [SCANQA[0], {**SCANQA[0], "question_id": ""}, {**SCANQA[0], "question_id": "b", "answers": ["?", 7]}, "?",
           {**SCANQA[0], "question_id": "c", "question": " "}, {**SCANQA[0], "question_id": "d", "scene_id": None}]
    questions = open_scene_questions("scanqa", scanqa(tmp_path / "qa", *bad))
    assert [row["uid"] for row in questions.rows] == [
        "val-scene0015-0", "val-scene0015-1", "val-scene0011-0", "val-scene0011-1"]
    assert [row["task"] for row in questions.rows] == ["number", "object", "color", "place"]
    assert questions.rows[2]["answers"] == ["dark brown", "brown"]
    assert questions.left_out == {"a question_id that occurs before": 1, "no question_id": 2, "no answers": 1,
                                  "no question": 1, "no scene_id": 1}
    there = open_scene_questions("scanqa", str(tmp_path / "qa"), source=open_source(STUDIO))
    assert {row["scene_id"] for row in there.rows} == {"studio"}
    assert there.left_out["its scene is not among the scans"] == 2


def test_situations_are_asked_with_their_questions(tmp_path: Path):
    questions = open_scene_questions("sqa3d", sqa3d(tmp_path / "sqa"))
    assert questions.rows[0]["question"] == "I am facing the desk. What is behind me?"
    assert [row["task"] for row in questions.rows] == ["what", "how", "is", "which", "can", "other"]
    assert [row["answer"] for row in questions.rows] == ["table", "two", "no", "left", "yes", "yes"]
    other = open_scene_questions("sqa3d", sqa3d(tmp_path / "b", question_id=7, situation="I sit."))
    assert other.left_out == {"no annotation": 1} and other.manifest_sha256 != questions.manifest_sha256


@pytest.mark.parametrize("arguments, says", [
    (("scanqa", "{}", "test_w_obj"), "holds no ScanQA_v1.0_test_w_obj.json"),
    (("scanrefer", "{}", "val"), "expected one of: scanqa, sqa3d"),
    (("scanqa", "{}", "hidden"), "no question that can be asked and scored .4 rows: no answers"),
    (("scanqa", "{}", "broken"), "not readable as JSON"),
    (("scanqa", "{}", "deep"), "not readable as JSON"),
    (("scanqa", "{}", "odd"), "no list of questions where it should be"),
])
def test_files_that_cannot_be_read_say_so(tmp_path: Path, arguments: tuple[str, ...], says: str):
    scanqa(tmp_path)
    hidden = [{key: value for key, value in row.items() if key != "answers"} for row in SCANQA]
    for name, text in (("hidden", json.dumps(hidden)), ("broken", "[{"), ("deep", "[" * 99999),
                       ("odd", '{"data": []}')):
        (tmp_path / f"ScanQA_v1.0_{name}.json").write_text(text)
    with pytest.raises(InputError, match=says):
        open_scene_questions(*(argument.format(tmp_path) for argument in arguments))


# ---------------------------------------------------------------- pictures


def test_a_scene_is_shown_by_frames_at_even_steps_and_at_a_size(tmp_path: Path):
    source = open_source(STUDIO)
    frames = source.load("studio").frames
    kept = SceneViews(frames=4).chosen(frames)
    places = [frames.index(frame) for frame in kept]
    assert places[0] == 0 and places[-1] == len(frames) - 1 and np.ptp(np.diff(places)) <= 1
    assert SceneViews(frames=99).chosen(frames) == frames
    differing = SceneViews(frames=99, sampling="keyframes").chosen(frames)
    assert set(differing) < set(frames) or len(differing) == len(frames)
    questions = open_scene_questions("scanqa", scanqa(tmp_path / "qa"), source=source,
                                     shown=SceneViews(frames=3, size="40x30"))
    seen = dict(questions.views([0, 1]))
    assert seen[0] == seen[1] and len(seen[0]) == 3
    (tmp_path / "a.jpg").write_bytes(seen[0][2])
    small = np.asarray(Image.open(tmp_path / "a.jpg"), dtype=float)
    (tmp_path / "b.jpg").write_bytes(source.read_color(source.load("studio"), frames[-1]))
    whole = Image.open(tmp_path / "b.jpg").convert("RGB").resize((40, 30), Image.Resampling.BOX)
    assert small.shape == (30, 40, 3) and np.abs(small - np.asarray(whole, dtype=float)).mean() < 8
    untouched = open_scene_questions("scanqa", str(tmp_path / "qa"), source=source, shown=SceneViews(frames=1))
    assert dict(untouched.views([0]))[0] == [source.read_color(source.load("studio"), frames[0])]


@pytest.mark.parametrize("shown", [{"frames": 0}, {"sampling": "random"}, {"size": "448"}, {"size": "0x9"}])
def test_wrong_views_are_refused(shown: dict):
    with pytest.raises(InputError):
        SceneViews(**shown)


# ---------------------------------------------------------------- scores


def test_exact_match_by_hand(tmp_path: Path):
    rows = open_scene_questions("scanqa", scanqa(tmp_path / "qa")).rows
    answers = answered({"val-scene0011-0": "Brown.", "val-scene0011-1": "left side", "val-scene0015-0": "Two chairs",
                        "val-scene0015-1": ""})
    scored = score_scene_qa(rows, answers, "none")
    values = {name: score.value for name, score in scored.metrics.items()}
    assert values == {"exact_match": 50, "exact_match_refined": 75, "exact_match/color": 100, "exact_match/number": 100,
                      "exact_match/object": 0, "exact_match/place": 0}
    assert scored.metrics["exact_match"].n_unparsed == 1 and scored.metrics["exact_match"].n_groups == 2
    assert {uid for uid, item in scored.items.items() if item.score} == {"val-scene0011-0", "val-scene0015-0"}


def test_bleu_and_cider_are_those_of_the_library_on_the_same_words():
    pytest.importorskip("pycocoevalcap", reason="the extra `captions` is not installed")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider

    said = ["the brown chair by the desk", "on the left side of the bed", "two", "a white door next to the window", ""]
    right = [["the brown chair by the wall", "brown"], ["on the left side of the bed"], ["two", "2 chairs"],
             ["white door next to a window"], ["nothing"]]
    found = caption_scores([f" {text.upper()}! " for text in said], right, list("aabbc"), "words")
    gts, res = ({i: texts if isinstance(texts, list) else [texts or "\N{SYMBOL FOR NULL}"]
                 for i, texts in enumerate(of)} for of in (right, said))
    assert found["bleu_4"].value == pytest.approx(Bleu(4).compute_score(gts, res, verbose=0)[0][3])
    mean, each = Cider().compute_score(gts, res)
    assert found["cider"].value == pytest.approx(mean) and each[1] == pytest.approx(10)
    # the jackknife of a mean over groups of 2, 2 and 1, by its formula
    left_out = np.array([each[[2, 3, 4]].mean(), each[[0, 1, 4]].mean(), each[:4].mean()])
    error = np.sqrt(2 / 3 * ((left_out - left_out.mean()) ** 2).sum())
    interval = found["cider"].interval
    corrected = 3 * mean - 2 * left_out.mean()
    assert interval.high == pytest.approx(min(corrected + 4.3027 * error, 10), rel=1e-3) and interval.n_groups == 3


@pytest.mark.skipif(not shutil.which("java"), reason="the Penn Treebank tokenizer needs Java")
def test_both_tokenizers_agree_on_plain_answers_whatever_separates_their_words():
    pytest.importorskip("pycocoevalcap", reason="the extra `captions` is not installed")
    said = ["The brown chair\u2028by the desk.", "", "On the left, of\x85the bed", "two"]
    right = [["the brown chair"], ["a door"], ["on the left of the bed"], ["two", ""]]
    ptb, words = (caption_scores(said, right, ["a"] * 4, tokenizer) for tokenizer in ("ptb", "words"))
    assert {name: score.value for name, score in ptb.items()} == {
        name: pytest.approx(score.value) for name, score in words.items()}


# ---------------------------------------------------------------- the recipe


def test_golds_score_100_guessers_less_and_answers_are_kept(tmp_path: Path):
    # "Can" twice: of its two golds the most frequent one is the first in the alphabet, which is wrong for one of them
    folder = sqa3d(tmp_path / "sqa", question="Can I see the door?")
    for model, expected in (("baseline:oracle", 100), ("baseline:frequency", pytest.approx(500 / 6))):
        ended = run("recipes/scene_qa.py", "--benchmark", "sqa3d", "--dataset", folder, "--model", model,
                    "--out", tmp_path / model)
        assert ended.returncode == 0, ended.stderr
        results = read_results(tmp_path / model)
        assert results.metrics["exact_match"].value == expected and results.recipe == "scene_qa"
        assert set(results.metrics) == {"exact_match", "exact_match_refined", *(
            f"exact_match/{kind}" for kind in ("what", "how", "can", "which", "other"))}
    (tmp_path / "mine.csv").write_text('id,raw_text\n220602000000,"<think>yes?</think> No."\n220602000001,chair\n')
    run("recipes/scene_qa.py", "--benchmark", "sqa3d", "--dataset", folder, "--model", "mine",
        "--predictions", tmp_path / "mine.csv", "--out", tmp_path / "mine")
    given = read_results(tmp_path / "mine")
    assert given.metrics["exact_match"].value == pytest.approx(100 / 6) and given.metrics["exact_match/can"].value == 50
    assert given.settings["answers_by_status"] == {"ok": 2, "missing": 4}
    write_comparison([tmp_path / "mine", tmp_path / "baseline:oracle"], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "I am facing the desk. What is behind me?" in page and "ScanQA and SQA3D" in page and "v 1.00" not in page


def test_what_is_missing_is_said_before_anything_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pycocoevalcap", reason="the extra `captions` is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = run("recipes/scene_qa.py", "--benchmark", "scanqa", "--dataset", scanqa(tmp_path / "qa"), "--model",
                "baseline:oracle", "--out", tmp_path / "out")
    assert ended.returncode == 2 and "needs Java" in ended.stderr and not (tmp_path / "out").exists()


def test_a_tiny_model_answers_from_the_pictures_and_a_run_keeps_to_its_views(tmp_path: Path):
    tiny = pytest.importorskip("tests.recipes.tiny_models")
    model = str(tiny.save_tiny("qwen2_5_vl", tmp_path / "model"))
    source, folder = open_source(STUDIO), scanqa(tmp_path / "qa")
    blind = open_scene_questions("scanqa", folder)
    with pytest.raises(InputError, match="say where yours are: --source scannet="):
        evaluation.evaluate(scene_recipe(blind, "none"), blind, model, tmp_path / "no", progress=False)

    def asked(frames: int, out: Path) -> dict[str, Answer]:
        from recipes.answerers.settings import AnswererSettings, LocalSettings

        questions = open_scene_questions("scanqa", folder, source=source, shown=SceneViews(frames, size="56x56"))
        evaluation.evaluate(scene_recipe(questions, "none"), questions, model, out, batch_size=2, progress=False,
                            asking=AnswererSettings(max_new_tokens=6, local=LocalSettings(dtype="float32")))
        return read_predictions(out / "predictions.parquet")

    two = asked(2, tmp_path / "two")
    settings = read_results(tmp_path / "two").settings
    assert settings["answerer"]["views"] == {"frames": 2, "sampling": "even", "size": "56x56"}
    assert settings["answerer"]["prompts"]["templates"] == {
        "scene_qa": "{question}\nAnswer the question using a single word or phrase."}
    assert settings["counts"]["pictures"] == 4 and settings["counts"]["pictures_encoded"] == 2  # shared by the batch
    with pytest.raises(InputError, match=r"another run \(other views\)"):
        asked(3, tmp_path / "two")
    assert [a.raw_text for a in asked(3, tmp_path / "three").values()] != [a.raw_text for a in two.values()]
