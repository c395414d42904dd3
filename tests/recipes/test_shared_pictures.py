"""Pictures that several questions are about are encoded once, and the answers stay what they were."""

from dataclasses import replace

import pytest

from recipes.answerers.transformers_vlm import YesNoLean
from tests.recipes.model_questions import FP32, asked
from tests.recipes.tiny_models import FAMILIES


@pytest.fixture(params=FAMILIES)
def checkpoint(request: pytest.FixtureRequest, checkpoints: dict[str, str]) -> str:
    return checkpoints[request.param]


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
