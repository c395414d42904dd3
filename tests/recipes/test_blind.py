"""Guessers without pictures: a planted cue is found, and options without one give nothing."""

import json

import numpy as np
import pytest

from builders.spar.choices import LETTERS
from recipes.blind import excesses, table
from recipes.blind_strategies import strategies

OTHERS = range(25, 50)


def rows_of(options_of, gold_of, scenes=range(25), per_scene=6, task="depth_prediction_oc", question="How deep is it?"):
    """Select rows: ``options_of(rng)`` gives texts, ``gold_of(rng, options)`` the position of the right one."""
    rows = []
    for scene in scenes:
        rng = np.random.default_rng(scene)
        for n in range(per_scene):
            options = options_of(rng)
            rows.append({"uid": f"{scene}/{n}", "source": "made", "scene_id": str(scene), "task": task,
                         "format_type": "select", "question": question, "options": options,
                         "answer": LETTERS[gold_of(rng, options)]})
    return rows


def lengths(rng):
    return [f"{x:.1f}" for x in rng.permutation(np.arange(5, 95))[:4] / 10]


def anywhere(rng, options):
    return int(rng.integers(4))


def second_smallest(rng, options):
    return options.index(sorted(options, key=float)[1])


def by_name(figures, task="all"):
    return {figure.strategy: figure for figure in figures if figure.task == task}


def test_options_without_a_cue_give_nothing():
    answered, learned = rows_of(lengths, anywhere), rows_of(lengths, anywhere, OTHERS)
    for figure in excesses(answered, learned):
        assert figure.chance == 25 and abs(figure.excess) < 4 * 100 * (0.25 * 0.75 / figure.n) ** 0.5, figure


def test_a_gold_that_is_always_the_smallest_is_found():
    found = by_name(excesses(rows_of(lengths, lambda rng, options: options.index(min(options, key=float))), []))
    assert found["smallest"].excess == 75 and found["largest"].excess == -25


def test_what_has_to_be_learned_needs_rows_to_learn_from():
    answered, learned = rows_of(lengths, second_smallest), rows_of(lengths, second_smallest, OTHERS)
    bag = "bag of words"
    assert by_name(excesses(answered, learned))[bag].low > 25
    assert abs(by_name(excesses(answered, []))[bag].excess) < 1e-9  # knows nothing: all options tie


def test_a_name_that_is_often_right_is_remembered():
    names = rows_of(lambda rng: ["chair", "table"], lambda rng, options: int(rng.random() < 0.1))
    figure = by_name(excesses(names, names))["most frequent answer"]
    assert figure.chance == 50 and 35 < figure.excess < 45
    assert "most frequent answer" in table(excesses(names, names)) and json.dumps(figure._asdict())


@pytest.mark.parametrize("name", ["middle", "most like the others"])
def test_options_that_look_alike_score_alike(name):
    scores = strategies()[name].scores({"options": ["1.0", "2.0", "2.0", "4.0"], "question": "?"})
    assert scores[1] == scores[2] > max(scores[0], scores[3])
