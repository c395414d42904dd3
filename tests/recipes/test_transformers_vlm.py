"""Checkpoints of real architectures, tiny and random, through answerers: batches change nothing, and what cannot work
ends in one line."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builders.errors import InputError
from recipes.answerers import vision_language
from recipes.answerers.settings import AnswererSettings, LocalSettings
from recipes.answerers.transformers_vlm import WrittenAnswers, YesNoLean
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.answerers.yes_no_tokens import YesNoTokens
from tests.recipes.model_questions import FP32, asked, picture
from tests.recipes.tiny_models import FAMILIES, save_tiny, torch, transformers


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
