"""Short free answers: what does not matter, what does, and how the generous count contains the exact one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics._shared.phrases import plain_phrase
from metrics.phrase_match._core import phrase_match

WORDS = st.text(alphabet="ab2 .-", max_size=6)


@pytest.mark.parametrize("answer, gold, exact, refined", [
    ("Brown.", "brown", 1, 1), ("  DARK   brown ", "dark brown", 1, 1), ("20 chairs", "twenty chairs", 1, 1),
    ("21", "twenty-one", 0, 0), ("<think>left?</think> Right", "right", 1, 1), ("<answer>two</answer>", "2", 1, 1),
    ("on the left side", "left", 0, 1), ("left", "on the left side", 0, 1), ("a table", "table", 0, 1),
    ("tv stand", "tvstand", 0, 1), ("couch", "sofa", 0, 0), ("none", "None", 1, 1), ("unknown", "unknown", 1, 1),
    ("", "left", 0, 0), (None, "left", 0, 0), ("?!", "left", 0, 0), ("<think>it is left", "left", 0, 0),
])
def test_one_answer(answer: str | None, gold: str, exact: int, refined: int):
    result = phrase_match([answer], [gold], return_items=True)
    assert (result["exact_match"], result["refined"]) == (exact, refined)
    assert result["n_unparsed"] == (answer in ("", None, "?!", "<think>it is left"))


@given(st.lists(st.tuples(WORDS, WORDS.filter(plain_phrase), st.lists(WORDS, max_size=3)), min_size=1, max_size=6))
def test_exact_is_refined_any_right_answer_counts_and_their_order_does_not(rows: list[tuple[str, str, list[str]]]):
    answers, golds, more = (list(column) for column in zip(*rows))
    one = phrase_match(answers, golds, alternatives=more, return_items=True)
    assert all(item["refined"] >= item["score"] for item in one["items"])
    last_first = [[*others[::-1], gold] for gold, others in zip(golds, more)]
    assert phrase_match(answers, golds, alternatives=last_first)["exact_match"] == one["exact_match"]
    assert phrase_match(golds, golds, alternatives=more)["exact_match"] == 1


@pytest.mark.parametrize("gold", [
    "lady\u2019s bag", "\ufb01re place", "2 m\u00b2", "cafe\u0301", "\u201cexit\u201d", "1'000", "__x__"])
def test_an_answer_in_the_very_characters_of_the_gold_is_right(gold: str):
    result = phrase_match([gold, gold.upper()], [gold] * 2)
    assert (result["exact_match"], result["refined"]) == (1, 1)
    plain, fancy = ["lady's bag", "exit", "caf\u00e9"], ["Lady\u2019s bag", "\u201cexit\u201d", "cafe\u0301"]
    assert phrase_match(plain, fancy)["exact_match"] == phrase_match(fancy, plain)["exact_match"] == 1


def test_a_gold_without_words_is_named():
    with pytest.raises(ValueError, match=r"item 1 is ' [.] ', no words"):
        phrase_match(["a", "b"], ["a", " . "])
