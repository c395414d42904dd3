"""What models are sent, against the texts of lmms-eval's tasks, written out by hand."""

import pytest

from builders.errors import InputError
from recipes.answerers.options import asking
from recipes.answerers.prompts import FORMS, prompt_of, templates_of
from tests.recipes.made import make_row

LETTER = "Answer with the option's letter from the given choices directly."
NOTE = ("The values represent the bounding box coordinates normalized to a 0-1000 scale, with the top-left corner as "
        "the origin of the image.")

NUMBER = make_row("depth_prediction_oo_mv", 0, "1.5") | {"question": "How far {is} it?"}
MOTION = make_row("view_change_infer", 0, "move_right:1.0") | {"question": "How did it move?"}
EMBSPATIAL = {"question": "Which is far?", "answer_options": ["bed", "lamp"], "options": ["bed", "lamp"]}
CV_BENCH = {"question": "Which?", "choices": ["bed", "lamp", "box"], "options": ["bed", "lamp", "box"],
            "prompt": "Which? Select from:\n(A) bed\n(B) lamp\n(C) box"}


def choice(task: str) -> dict:
    return make_row(task, 0, "A", ("1", "2", "3", "4")) | {"question": "Which?\nA. 1\nB. 2"}


@pytest.mark.parametrize(("row", "expected"), [
    (NUMBER, "\nHow far {is} it?\nPlease answer the question using a single word or phrase."),
    (choice("obj_spatial_relation_oo"), f"\nWhich?\nA. 1\nB. 2\n\n{LETTER}"),
    (choice("position_matching"), f"\nWhich?\nA. 1\nB. 2\n{NOTE}\n{LETTER}"),
    (choice("camera_motion_infer"), f"\nWhich?\nA. 1\nB. 2\n{NOTE}\n{LETTER}"),
    (MOTION, "\nHow did it move?\n\n"),
    (EMBSPATIAL, "Note: You only need to respond with A, B without providing any additional information.\n"
                 "Which is far?\nA) bed\nB) lamp"),
    (CV_BENCH, "Note: You only need to respond with A, B, C without providing any additional information.\n\n"
               "Which? Select from:\n(A) bed\n(B) lamp\n(C) box"),
    ({"question": "Is it closer?"}, "Is it closer?"),  # SpatialTunnel adds nothing
])
def test_published_prompts(row: dict, expected: str):
    assert prompt_of(row, "published") == expected


def test_other_forms_differ_where_they_say():
    assert prompt_of(NUMBER, "published_number").endswith("it?\nDo not response anything other than a single number!")
    for row in (choice("position_matching"), MOTION, EMBSPATIAL, CV_BENCH):
        assert prompt_of(row, "published_number") == prompt_of(row, "published")
    assert prompt_of(NUMBER, "bare") == "How far {is} it?"
    assert prompt_of(EMBSPATIAL, "bare") == "Which is far?\nA) bed\nB) lamp"
    assert prompt_of(CV_BENCH, "bare") == CV_BENCH["prompt"]


def test_options_are_never_lost():
    """Also where CV-Bench comes without its column ``prompt``."""
    for form in FORMS:
        assert "B) lamp" in prompt_of(CV_BENCH | {"prompt": None}, form)


@pytest.mark.parametrize(("task", "format_type", "answer"), [
    ("camera_motion_infer", "fill", "(1, 2), 3.0"), ("obj_spatial_relation_oo", "judge", "Yes"),
])
def test_formats_that_were_never_published_get_the_question_alone(task: str, format_type: str, answer: str):
    row = make_row(task, 0, answer, format_type=format_type)
    assert prompt_of(row, "published") == row["question"]


def test_templates_are_those_of_the_rows():
    found = templates_of([NUMBER, MOTION, NUMBER], "published")
    assert set(found) == {"spar_number", "spar_view_change"}
    assert found["spar_number"].replace("{question}", NUMBER["question"]) == prompt_of(NUMBER, "published")


def test_options_of_the_command_reach_the_settings():
    found = asking("bare", ["dtype=float16", "max_new_tokens=100", "concurrency=3", "token_variants=true"])
    assert (found.prompts, found.local.dtype, found.max_new_tokens, found.endpoint.concurrency) == (
        "bare", "float16", 100, 3)
    assert found.local.token_variants and found.local.device_map == "auto"
    with pytest.raises(InputError, match="expected KEY=VALUE with one of these keys: attempts, attention"):
        asking("bare", ["temperature=1"])
    for wrong in ("attempts=0", "concurrency=-1", "timeout=-1.5", "max_new_tokens=0", "dtype=int8", "thinking=maybe"):
        with pytest.raises(InputError, match=f"--set {wrong}: expected"):
            asking("bare", [wrong])
    with pytest.raises(InputError, match="--prompts=long: expected one of: published, published_number, bare"):
        asking("long", [])
