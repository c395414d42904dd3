"""View change: every published worked example in every mode, the spellings that are read, exact arithmetic."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics._shared.motion_answers import PARTS, Motion, parse_motion, score_motions
from metrics.view_change._core import view_change

ROOT = Path(__file__).resolve().parents[2]

GOLD = "move_right:1.2,move_up:0.4,move_forward:1.4,rotate_up:5,rotate_left:90"
SMALL = "move_right:0.1,move_down:0.2,move_forward:0,rotate_up:0,rotate_right:0"
ZEROS = "move_right:0,move_up:0,move_forward:0,rotate_up:0,rotate_left:0"
BACK = GOLD.replace("forward", "backward")

# answer, gold -> score of SPAR, score of VLMEvalKit, ours
WORKED_EXAMPLES = {
    "identical": (GOLD, GOLD, 1.00, 1.00, 1.00),
    "doubled": (
        *("move_right:2.4,move_up:0.8,move_forward:2.8,rotate_up:10,rotate_left:180", GOLD),
        *(0.10, 0.00, 0.00),
    ),
    "halved": (
        *("move_right:0.6,move_up:0.2,move_forward:0.7,rotate_up:2.5,rotate_left:45", GOLD),
        *(0.00, 0.10, 0.10),
    ),
    "two signs flipped": (
        *("move_left:1.2,move_up:0.4,move_forward:1.4,rotate_up:5,rotate_right:90", GOLD),
        *(0.60, 0.60, 0.60),
    ),
    "zeros": (ZEROS, GOLD, 0.06, 0.00, 0.00),
    "near": (
        *("move_right:1.0,move_up:.3,move_forward:1.0,rotate_up:5,rotate_left:80", GOLD),
        *(0.64, 0.70, 0.72),
    ),
    "spaces": (GOLD.replace(",", ", ").replace(":", ": "), GOLD, 0.26, 1.00, 1.00),
    "no underscores": (GOLD.replace("_", " "), GOLD, 0.06, 0.00, 1.00),
    "unit": (f"{GOLD} degrees", GOLD, 0.00, 0.80, 1.00),
    "back": (GOLD.replace("forward", "back"), BACK, 0.80, 0.80, 1.00),
    "refusal": ("I cannot tell", SMALL, 0.00, 0.60, 0.00),
    "zeros for a small motion": (
        *(ZEROS, "move_right:0.1,move_down:0.2,move_forward:0,rotate_up:0,rotate_left:5"),
        *(0.70, 0.40, 0.40),
    ),
}


@pytest.mark.parametrize("name", WORKED_EXAMPLES)
def test_worked_examples(name):
    answer, gold, spar, vlmevalkit, ours = WORKED_EXAMPLES[name]
    for compat, score in (("spar", spar), ("lmms-eval", spar), ("vlmevalkit", vlmevalkit), (None, ours)):
        assert view_change([answer], [gold], compat=compat)["view_change"] == pytest.approx(score), compat


SPELLINGS = [
    GOLD,
    GOLD.upper(),
    GOLD.replace(",", ";"),
    GOLD.replace(",", "\n"),
    GOLD.replace(":", " = ").replace("_", " "),
    GOLD.replace("_", "-"),
    "rotate_left:90,move_up:0.4,rotate_up:5,move_right:1.2,move_forward:1.4",
    "move_right:1.2m,move_up:40cm,move_forward:1400 mm,rotate_up:5°,rotate_left:90 deg",
    "Move right by 1.2 meters, move up 0.4 meters, move forward 1.4 meters, rotate up 5 degrees, turn left 90 degrees.",
    '{"move_right": 1.2, "move_up": 0.4, "move_forward": 1.4, "rotate_up": 5, "rotate_left": 90}',
    f"<think>move_left:3 or so</think><answer>{GOLD}</answer>",
    f"The example was move_left:2.6,rotate_up:10.\nThe answer is: {GOLD}",
    f"First I thought move_right:3.\n{GOLD}",
    f"**{GOLD}**",
    GOLD.replace("move_right:1.2", "move_left:-1.2"),
    GOLD.replace("move_right:1.2", "move_right:1.5,move_left:0.3"),
    GOLD.replace("move_right:1.2", "move_right:1.2,move_left:0"),
    GOLD.replace("1.2", "1.2e0").replace("0.4", ".4").replace("5", "+5.0"),
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_spellings_of_one_motion(text):
    assert parse_motion(text) == (Motion(1.2, 0.4, 1.4, -90.0, 5.0), "ok")


@pytest.mark.parametrize(
    "text, status",
    {
        "": "empty",
        "nan": "empty",
        "<think>move_right:1</think>": "empty",
        "<think>move_right:1, mo": "malformed",
        "to the left": "malformed",
        "1.2,0.4,1.4,5,-90": "malformed",
        "move_right:far": "malformed",
        "move_right:1,2": "malformed",
        "rotate_forward:3": "malformed",
        "move_right:5 degrees": "malformed",
        "move_<right_or_left>:<meters>": "malformed",
        "I cannot determine the motion.": "refused",
        "I cannot tell, maybe move_right:1": "refused",
        "move_right:1 or move_right:2": "ambiguous",
        "move_right:1,move_back:2,move_backward:3": "ambiguous",
    }.items(),
)
def test_texts_without_one_motion(text, status):
    assert parse_motion(text) == (None, status)
    result = view_change([text], [SMALL], return_items=True)
    assert result["view_change"] == 0 and result["n_unparsed"] == 1 and result["items"][0]["value"] is None


@pytest.mark.parametrize(
    "text, right",
    [
        ("move_right:1.2 or 1.5", None),
        ("move_right:1.2-1.5 m", None),
        ("move_right: 1.2 m to 1.5 m", None),
        ("move_right: 2, move_left: 0.2 or 0.4", None),
        ("move_right: between 1.2 and 1.5", None),
        ("move_right: ~1.2", 1.2),
        ("move_right: about 1.2 m", 1.2),
        ("movement right: 1.2", 1.2),
    ],
)
def test_a_motion_part_is_one_number(text, right):
    read = parse_motion(f"{text}, move_up:0.4, rotation_left: 90").value
    assert (read.right, read.up, read.rotate_right) == (right, 0.4, -90.0)


def test_a_motion_of_undecided_parts_alone_is_ambiguous():
    assert parse_motion("move_right:1.2 or 1.5") == (None, "ambiguous")
    assert score_motions(["move_right:1.2 or 1.5, move_up:0.4"], ["move_right:1.2,move_up:0.4"])[0] == [0.8]


def test_a_part_left_out_scores_nothing_unless_the_gold_leaves_it_out_too():
    result = view_change(["move_right:1.2", GOLD], [GOLD, "move_right:1.2"], return_items=True)
    assert [item["score"] for item in result["items"]] == [0.2, 0.26] and result["n_incomplete"] == 1
    assert result["items"][0]["value"] == dict(zip(PARTS, (1.2, None, None, None, None)))
    assert view_change(["move_right:1.2"], ["move_right:1.2"])["view_change"] == 1


tenths = st.integers(-60, 60)
steps = st.integers(-18, 18)
motions = st.tuples(tenths, tenths, tenths, steps, steps)
KEYS = [("move_right", "move_left"), ("move_up", "move_down"), ("move_forward", "move_backward")]
KEYS += [("rotate_right", "rotate_left"), ("rotate_up", "rotate_down")]


def written(motion):
    """The published form; the sign is in the word."""
    values = [Fraction(value, 10) for value in motion[:3]] + [Fraction(5 * value) for value in motion[3:]]
    return ",".join(f"{keys[value < 0]}:{float(abs(value)):g}" for keys, value in zip(KEYS, values)), values


@given(motions, motions)
def test_score_is_the_definition_in_rational_numbers(prediction, gold):
    (answer, p), (reference, g) = written(prediction), written(gold)
    errors = [abs(a - b) / (abs(b) or 1) for a, b in zip(p, g)]
    exact = Fraction(sum(error <= Fraction(k, 20) for error in errors for k in range(1, 11)), 50)
    assert view_change([answer], [reference])["view_change"] == float(exact)
    assert view_change([reference], [reference])["view_change"] == 1


@given(motions)
def test_mirrored_motions_score_alike(motion):
    answer, _ = written(motion)
    mirrored, gold = (
        text.replace("right", "#").replace("left", "right").replace("#", "left") for text in (answer, GOLD)
    )
    for compat in (None, "spar", "vlmevalkit"):
        one = view_change([answer], [GOLD], compat=compat)["view_change"]
        assert view_change([mirrored], [gold], compat=compat)["view_change"] == one


FRAGMENTS = ["move", "_right:", " up ", "1.2", ",", "rotate left ", "\n", "e9", ":", " cm"]


@given(st.text(max_size=60) | st.lists(st.sampled_from(FRAGMENTS)).map("".join))
def test_parser_never_raises(text):
    parsed = parse_motion(text)
    assert (parsed.value is None) == (parsed.status != "ok")
    for compat in ("spar", "vlmevalkit"):
        assert 0 <= view_change([text], [GOLD], compat=compat)["view_change"] <= 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"predictions": [GOLD], "references": ["left"]}, "item 0 is 'left'"),
        ({"predictions": [GOLD], "references": [GOLD, None]}, "one per reference"),
        ({"predictions": [GOLD, GOLD], "references": [GOLD, None]}, "item 1 is None"),
        ({"predictions": [GOLD], "references": [GOLD], "compat": "lmms"}, "'spar', 'lmms-eval' or 'vlmevalkit'"),
        ({"predictions": [GOLD], "references": [GOLD], "groups": ["a", "b"]}, "one group per item"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        view_change(**arguments)


def test_intervals_widen_where_items_share_a_scene():
    answers = [GOLD, ZEROS] * 60
    free = view_change(answers, [GOLD] * 120)
    shared = view_change(answers, [GOLD] * 120, groups=[i % 30 for i in range(120)])
    assert free["interval"] == "wilson" and shared["interval"] == "cluster_bootstrap" and shared["n_groups"] == 30
    assert shared["high"] - shared["low"] > 1.5 * (free["high"] - free["low"])


def test_readme_table_is_true():
    table = {
        "as the gold": "identical",
        "every value doubled": "doubled",
        "every value halved": "halved",
        "all zeros": "zeros",
        "1.0, 0.3, 1.0, 5, 80": "near",
        "as the gold, with spaces after `,` and `:`": "spaces",
        "as the gold, with spaces for `_`": "no underscores",
        "as the gold, last value `90 degrees`": "unit",
        "`I cannot tell`, gold right 0.1, down 0.2": "refusal",
    }
    text = (ROOT / "metrics/view_change/README.md").read_text()
    for label, name in table.items():
        _, _, spar, vlmevalkit, ours = WORKED_EXAMPLES[name]
        assert f"| {label} | {ours:.2f} | {spar:.2f} | {vlmevalkit:.2f} |" in text
