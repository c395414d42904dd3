"""Checkpoints of real architectures, tiny and random, through answerers and recipes: batches change nothing, what is
recorded is what was done, and what cannot work ends in one line."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel
from recipes import shortcut_splits, spar_bench, spatial_tunnel
from recipes.answerers import vision_language
from recipes.answerers.prompts import prompt_of
from recipes.answerers.settings import AnswererSettings, LocalSettings
from recipes.answerers.transformers_vlm import WrittenAnswers, YesNoLean
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.answerers.yes_no_tokens import YesNoTokens
from recipes.predictions import read_predictions
from recipes.questions import Questions, open_questions
from recipes.shortcut_questions import open_shortcuts
from tests.recipes.made import make_folder, make_row
from tests.recipes.tiny_models import FAMILIES, save_tiny, torch, transformers

FP32 = AnswererSettings(max_new_tokens=6, local=LocalSettings(dtype="float32"))


def picture(seed: int) -> bytes:
    """Noise, of a size that depends on the seed."""
    rng = np.random.default_rng(seed)
    buffer = io.BytesIO()
    height, width = rng.integers(40, 100, 2)
    Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def asked(count: int = 8) -> list[dict]:
    """Questions of differing lengths, with one to three pictures each."""
    words = ["Is", "the", "cyan", "cube", "closer", "to", "the", "camera", "than", "the", "red", "sphere?"]
    return [{"uid": str(i), "question": " ".join(words[: 3 + i]), "metric": "correctness",
             "image": [picture(10 * i + view) for view in range(1 + i % 3)]} for i in range(count)]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {name: str(save_tiny(name, tmp_path_factory.mktemp(name))) for name in FAMILIES}


@pytest.fixture(params=FAMILIES)
def checkpoint(request: pytest.FixtureRequest, checkpoints: dict[str, str]) -> str:
    return checkpoints[request.param]


# ---------------------------------------------------------------- batches


def one_by_one(answerer: YesNoLean, rows: list[dict]) -> np.ndarray:
    return np.array([answerer.answer([row])[0].margin for row in rows])


def test_eight_at_once_answer_as_one_by_one(checkpoint: str):
    rows, answerer = asked(), YesNoLean(checkpoint, [], FP32)
    alone = one_by_one(answerer, rows)
    together = [answer.margin for answer in answerer.answer(rows)]
    assert np.ptp(alone) > 0.05  # pictures and words matter
    assert together == pytest.approx(alone, abs=1e-4)


def test_padding_on_the_right_would_be_noticed(checkpoint: str, monkeypatch: pytest.MonkeyPatch):
    """The same comparison fails when prompts are padded on the other side."""
    rows, answerer = asked(), YesNoLean(checkpoint, [], FP32)
    alone = one_by_one(answerer, rows)
    monkeypatch.setattr(vision_language, "PADDING_SIDE", "right")
    together = np.array([answer.margin for answer in answerer.answer(rows)])
    assert np.abs(together - alone).max() > 0.01


def test_written_answers_are_the_same_in_batches(checkpoint: str):
    rows, model = asked(), VisionLanguageModel(checkpoint, FP32.local)
    chats = [(row["image"], row["question"]) for row in rows]
    assert model.write(chats, {}, 6) == [model.write([chat], {}, 6)[0] for chat in chats]


def test_logits_are_those_of_one_forward_pass_without_padding(checkpoint: str):
    """Another route: the model called once on one prompt, all positions; the last is where an answer begins."""
    model, (row, *_) = VisionLanguageModel(checkpoint, FP32.local), asked()
    chats = [(row["image"], row["question"]), ((picture(5), picture(6)), "Where is the chair?")]
    text = model.processor.apply_chat_template(
        [{"role": "user", "content": [*({"type": "image"} for _ in row["image"]),
                                      {"type": "text", "text": row["question"]}]}], add_generation_prompt=True)
    inputs = model.processor(text=[text], images=[[Image.open(io.BytesIO(view)) for view in row["image"]]],
                             return_tensors="pt")
    with torch.inference_mode():
        expected = model.model(**inputs).logits[0, -1]
    assert torch.allclose(model.first_logits(chats, {})[0], expected, atol=1e-4)


def test_one_pass_gives_the_lean_and_what_is_written(checkpoints: dict[str, str]):
    folder, rows = checkpoints["smolvlm"], asked(4)
    both = YesNoLean(folder, [], FP32)
    answers, leans = both.answer(rows), YesNoLean(folder, [], replace(FP32, exact_match=False)).answer(rows)
    assert [a.margin for a in answers] == pytest.approx([a.margin for a in leans], abs=1e-5)
    written = both._model.write([(row["image"], row["question"]) for row in rows], {}, FP32.max_new_tokens)
    assert [a.raw_text for a in answers] == [each.text for each in written] and any(a.raw_text for a in answers)
    assert {a.raw_text for a in leans} == {""} and both.counts()["completion_tokens"] == sum(w.tokens for w in written)
    assert both.settings["max_new_tokens"] == FP32.max_new_tokens


def test_only_the_logits_of_the_last_position_are_computed(checkpoint: str, monkeypatch: pytest.MonkeyPatch):
    answerer = YesNoLean(checkpoint, [], FP32)
    head, shapes = answerer._model.model.get_output_embeddings(), []
    head.register_forward_hook(lambda module, given, made: shapes.append(tuple(made.shape[:2])))
    answerer.answer(asked())
    assert set(shapes) == {(8, 1)}


def test_greedy_answers_do_not_depend_on_the_settings_a_checkpoint_brings(checkpoint: str):
    """It brings do_sample, a temperature and a repetition penalty; by hand, the most probable token each time."""
    model, (row, *_) = VisionLanguageModel(checkpoint, FP32.local), asked()
    written = model.write([(row["image"], row["question"])], {}, 6)[0]
    question, tokens = row["question"], []
    prompt = model.processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}],
        add_generation_prompt=True)
    image = Image.open(io.BytesIO(row["image"][0]))
    inputs = model.processor(text=[prompt], images=[[image]], return_tensors="pt")
    for _ in range(written.tokens):
        with torch.inference_mode():
            tokens.append(int(model.model(**inputs).logits[0, -1].argmax()))
        for name in ("input_ids", "attention_mask", "mm_token_type_ids"):
            if name in inputs:
                more = tokens[-1] if name == "input_ids" else int(name == "attention_mask")
                inputs[name] = torch.cat([inputs[name], torch.tensor([[more]])], dim=1)
    ends = model.processor.tokenizer.eos_token_id
    assert written.text == model.processor.tokenizer.decode(
        [t for t in tokens if t != ends], skip_special_tokens=True).strip()
    assert written.is_complete == (tokens[-1] == ends)


def test_a_batch_that_does_not_fit_into_memory_is_halved(checkpoints: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    answerer = YesNoLean(checkpoints["qwen2_5_vl"], [], FP32)
    rows, sizes = asked(), []
    expected = one_by_one(answerer, rows)
    generate = answerer._model.model.generate

    def small(room: int):
        def generate_in_little_room(**inputs):
            sizes.append(len(inputs["input_ids"]))
            if sizes[-1] > room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return generate(**inputs)
        return generate_in_little_room

    monkeypatch.setattr(answerer._model.model, "generate", small(3))
    assert [answer.margin for answer in answerer.answer(rows)] == pytest.approx(expected, abs=1e-4)
    assert sizes == [8, 4, 2, 2, 2, 2]
    answerer.answer(rows)
    assert sizes[6:] == [2, 2, 2, 2]
    monkeypatch.setattr(answerer._model.model, "generate", small(0))
    with pytest.raises(InputError, match="out of memory with a single question"):
        answerer.answer(rows)


# ---------------------------------------------------------------- pictures that questions share


def about_shared_pictures() -> list[dict]:
    """Eight questions of differing lengths about the pictures of three: one, two and three pictures."""
    rows = asked()
    return [row | {"image": rows[place]["image"]} for row, place in zip(rows, (0, 1, 1, 2, 0, 1, 2, 0))]


UNSHARED = replace(FP32, local=replace(FP32.local, share_pictures=False))


def test_pictures_that_questions_share_are_looked_at_once(checkpoint: str):
    """And the answers are those that each whole prompt gets alone: their lean, and every token after it."""
    rows, shared, whole = about_shared_pictures(), YesNoLean(checkpoint, [], FP32), YesNoLean(checkpoint, [], UNSHARED)
    answers, expected = shared.answer(rows), [whole.answer([row])[0] for row in rows]
    assert [a.margin for a in answers] == pytest.approx([a.margin for a in expected], abs=1e-5)
    assert [a.raw_text for a in answers] == [a.raw_text for a in expected]
    assert (shared.counts()["pictures"], shared.counts()["pictures_encoded"]) == (15, 6)
    assert whole.counts()["pictures_encoded"] == 15
    leans = [a.margin for a in answers]
    assert min(abs(x - y) for place, x in enumerate(leans) for y in leans[:place]) > 1e-4  # no two are the same


def test_prompts_whose_tokens_are_not_those_of_their_parts_go_whole(
    checkpoints: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    rows, answerer = about_shared_pictures(), YesNoLean(checkpoints["qwen2_5_vl"], [], FP32)
    expected = [a.margin for a in YesNoLean(checkpoints["qwen2_5_vl"], [], UNSHARED).answer(rows)]
    tokenizer = answerer._model.processor.tokenizer
    encode = tokenizer.encode
    monkeypatch.setattr(tokenizer, "encode", lambda text, **how: [7, *encode(text, **how)])  # as a space in front
    assert [a.margin for a in answerer.answer(rows)] == pytest.approx(expected, abs=1e-5)
    assert answerer.counts()["pictures_encoded"] == 6 + 15


# ---------------------------------------------------------------- Yes and No


def test_yes_and_no_are_the_tokens_a_template_goes_on_with(checkpoint: str, checkpoints: dict[str, str]):
    answerer = YesNoLean(checkpoint, [], FP32)
    colon = (checkpoints["idefics3"], checkpoints["smolvlm"])  # their templates write "Assistant: Yes"
    space = " " if checkpoint in colon else ""
    tokenizer = answerer._model.processor.tokenizer
    expected = {word: {space + word: tokenizer.convert_tokens_to_ids(("Ġ" if space else "") + word)}
                for word in ("Yes", "No")}
    assert answerer.settings["token_ids"] == expected
    assert json.loads(json.dumps(answerer.settings)) == answerer.settings


def test_variants_add_their_probabilities(checkpoints: dict[str, str]):
    summed = AnswererSettings(max_new_tokens=1, local=LocalSettings(dtype="float32", token_variants=True))
    answerer = YesNoLean(checkpoints["internvl"], [], summed)
    ids = answerer.settings["token_ids"]
    assert set(ids["Yes"]) == {"Yes", "yes", " Yes", " yes"} and set(ids["No"]) == {"No", "no", " No", " no"}
    row = asked(1)
    logits = answerer._model.first_logits([(row[0]["image"], row[0]["question"])], {})[0]
    p = logits.softmax(0)
    yes, no = (sum(float(p[token]) for token in ids[word].values()) for word in ("Yes", "No"))
    assert answerer.answer(row)[0].margin == pytest.approx(np.log(yes / no), abs=1e-4)


def test_margins_by_hand():
    logits = torch.tensor([[1.0, 3.0, 0.0], [2.0, 2.0, 2.0]])
    assert YesNoTokens({1: "Yes"}, {0: "No"}).margins(logits).tolist() == [2.0, 0.0]
    both = YesNoTokens({1: "Yes", 2: "yes"}, {0: "No"}).margins(logits)
    assert both.tolist() == pytest.approx([np.log(np.exp(3) + 1) - 1, np.log(2)])


# ---------------------------------------------------------------- recipes, end to end


@pytest.fixture(scope="module")
def tunnel(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    out = tmp_path_factory.mktemp("tunnel") / "t"
    build_folder(SpatialTunnel(renderer="raycast", scenes=1, cell_step=4,
                               tunnel=replace(TunnelSettings(), resolution=48)), out, progress=False)
    return spatial_tunnel.open_tunnel(str(out), None, ["phase_variation"])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    """One, two and three views; numbers, options and a motion."""
    def shown(i: int, views: int) -> dict:
        return {"image": [{"bytes": picture(100 * i + view), "path": "a.png"} for view in range(views)]}

    rows = [row for i in range(2) for row in (
        make_row("depth_prediction_oc", i, "1.5", **shown(i, 1)),
        make_row("distance_prediction_oo_mv", i, "2.5", **shown(i, 3)),
        make_row("position_matching", i, "A", ("1", "2", "3", "4"), **shown(i, 2)),
        make_row("view_change_infer", i, "move_right:1.0,move_down:0.5,move_forward:0.2,rotate_up:5,rotate_left:10",
                 **shown(i, 2)),
    )]
    return open_questions(str(make_folder(tmp_path_factory.mktemp("bench") / "b", rows)))


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    rows = [make_row("distance_infer_center_oo", i, "AB"[i % 2], ("chair", "lamp"), heuristic=tag, vertical_gap=gap,
                     image=[{"bytes": picture(i), "path": "a.png"}])
            for i, (tag, gap) in enumerate([("consistent", 0.2), ("counter", -0.2)] * 3)]
    return open_shortcuts(str(make_folder(tmp_path_factory.mktemp("tagged") / "set", rows)))


def test_every_recipe_runs_from_the_saved_folder(
    checkpoint: str, tunnel: Questions, bench: Questions, tagged: Questions, tmp_path: Path
):
    for recipe, questions, figure in ((spar_bench, bench, "average"), (spatial_tunnel, tunnel, "phase_variation/v"),
                                      (shortcut_splits, tagged, "all/all")):
        out = tmp_path / recipe.__name__
        results = recipe.evaluate(questions, checkpoint, out, limit=8, batch_size=4, asking=FP32, progress=False)
        count = min(8, len(questions.scored()))
        assert results.metrics[figure].n == count
        given = read_predictions(out / "predictions.parquet")
        assert len(given) == count and any(answer.raw_text for answer in given.values())
        held = json.loads((out / "results.json").read_text())
        assert held["settings"]["answerer"]["dtype"] == "float32"
        assert held["environment"]["transformers"] == transformers.__version__
        assert held["environment"]["torch"] == torch.__version__


def test_v_is_the_sigmoid_of_the_difference_of_logits(checkpoints: dict[str, str], tunnel: Questions, tmp_path: Path):
    """The recipe's figure from logits computed here, one question at a time."""
    folder = checkpoints["llava_onevision"]
    found = spatial_tunnel.evaluate(tunnel, folder, tmp_path, limit=12, asking=FP32, progress=False).metrics
    model = VisionLanguageModel(folder, FP32.local)
    tokens = model.processor.tokenizer.convert_tokens_to_ids(["Yes", "No"])
    v = []
    for position, views in tunnel.views(range(12)):
        row = tunnel.rows[position]
        yes, no = model.first_logits([(views, row["question"])], {})[0][tokens].tolist()
        p = 1 / (1 + np.exp(no - yes))
        v.append(p if row["answer"] == "Yes" else 1 - p)
    assert found["phase_variation/v"].value == pytest.approx(np.mean(v), abs=1e-5)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many prompts each call of the model had."""
    sizes: list[int] = []
    write = VisionLanguageModel.write

    def counting(self, chats, *arguments):
        sizes.append(len(chats))
        return write(self, chats, *arguments)

    monkeypatch.setattr(VisionLanguageModel, "write", counting)
    yield sizes


def test_a_run_is_resumed_only_under_the_same_settings(
    checkpoints: dict[str, str], bench: Questions, tmp_path: Path, counted: list[int]
):
    folder = checkpoints["idefics3"]
    spar_bench.evaluate(bench, folder, tmp_path, limit=5, batch_size=4, asking=FP32, progress=False)
    spar_bench.evaluate(bench, folder, tmp_path, batch_size=2, asking=FP32, progress=False)
    assert counted == [4, 1, 2, 1]
    with pytest.raises(InputError, match=r"other prompts\)"):
        spar_bench.evaluate(bench, folder, tmp_path, asking=replace(FP32, prompts="bare"), progress=False)
    with pytest.raises(InputError, match=r"other max_new_tokens\)"):
        spar_bench.evaluate(bench, folder, tmp_path, asking=replace(FP32, max_new_tokens=7), progress=False)


def test_answers_of_weights_that_have_changed_are_not_mixed_in(bench: Questions, tmp_path: Path):
    folder = save_tiny("idefics3", tmp_path / "model")
    spar_bench.evaluate(bench, str(folder), tmp_path / "run", limit=2, asking=FP32, progress=False)
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.01)  # more training: the same files of the same sizes
    model.save_pretrained(folder)
    with pytest.raises(InputError, match=r"other weights_sample_sha256\)"):
        spar_bench.evaluate(bench, str(folder), tmp_path / "run", asking=FP32, progress=False)


def test_results_say_how_the_model_was_asked(checkpoints: dict[str, str], bench: Questions, tmp_path: Path):
    asking = replace(FP32, prompts="published_number")
    results = spar_bench.evaluate(bench, checkpoints["qwen2_5_vl"], tmp_path, asking=asking, progress=False)
    answerer = results.settings["answerer"]
    assert answerer["prompts"]["form"] == "published_number"
    row = bench.rows[0]
    assert answerer["prompts"]["templates"]["spar_number"].format(question=row["question"]) == prompt_of(
        row, "published_number")
    assert set(answerer["prompts"]["templates"]) == {"spar_number", "spar_box_choice", "spar_view_change"}
    assert (answerer["max_new_tokens"], answerer["decoding"], answerer["model_revision"]) == (6, "greedy", None)
    counts = results.settings["counts"]
    assert 0 < counts["completion_tokens"] <= 6 * len(bench.rows) and counts["cut_short"] <= len(bench.rows)


# ---------------------------------------------------------------- what cannot work


def test_what_cannot_be_run_is_said_in_one_line(checkpoints: dict[str, str], tmp_path: Path):
    def problem(name: str, **local: str) -> str:
        with pytest.raises(InputError) as caught:
            WrittenAnswers(name, [], AnswererSettings(local=LocalSettings(**local)))
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "cannot be read" in problem("org/absent-model")
    assert "cannot be read" in problem(str(tmp_path / "absent"))
    assert "bfloat16" in problem(checkpoints["internvl"], dtype="int8")
    transformers.Qwen2Config(num_hidden_layers=1).save_pretrained(tmp_path / "words")
    assert "qwen2 is no family of AutoModelForImageTextToText" in problem(str(tmp_path / "words"))
    silent = save_tiny("internvl", tmp_path / "silent")
    (silent / "chat_template.jinja").unlink()
    assert "has no chat template" in problem(str(silent))


@pytest.mark.parametrize("size", [None, 0, 5000])
def test_weights_that_are_missing_or_cut_are_said_in_one_line(tmp_path: Path, size: int | None):
    weights = save_tiny("idefics3", tmp_path) / "model.safetensors"
    if size is None:
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:size])
    with pytest.raises(InputError, match="cannot be read") as caught:
        YesNoLean(str(tmp_path), [], FP32).answer(asked(1))
    assert "\n" not in str(caught.value)


def test_rows_without_pictures_are_refused(checkpoints: dict[str, str]):
    row = asked(1)[0] | {"image": [None]}
    with pytest.raises(InputError, match="does not hold them"):
        YesNoLean(checkpoints["idefics3"], [], FP32).answer([row])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_weights_take_the_asked_form(checkpoints: dict[str, str], dtype: str):
    asking = AnswererSettings(exact_match=False, local=LocalSettings(dtype=dtype))
    answerer = YesNoLean(checkpoints["idefics3"], [], asking)
    margins = np.array([answer.margin for answer in answerer.answer(asked(3))])
    exact = np.array([answer.margin for answer in YesNoLean(checkpoints["idefics3"], [], FP32).answer(asked(3))])
    assert {str(weight.dtype) for weight in answerer._model.model.parameters()} == {f"torch.{dtype}"}
    assert margins == pytest.approx(exact, abs=0.05) and (margins != exact).any()
