"""Instructions from paths laid out by hand, their mirror images, and the words that are left out of them."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from builders.scenes.procedural.instructions import path_legs, walk_instructions
from builders.scenes.procedural.room import RoomObject
from builders.scenes.procedural.source import ProceduralSource
from builders.scenes.scene import Instruction
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from builders.spar.tasks.navigation import action_words
from builders.spar.verify import verify
from tests.builders.toy import frame, look_at, make_scene, mirrored

LIMITS = Limits(min_in_image_fraction=0.3, video_frames=22)
NAV = TASKS["nav_video"]
SQUARE = np.array([(-4, -4), (4, -4), (4, 4), (-4, 4)], dtype=float)


def path(*legs, start=(-2.0, -3.0), heading=90.0):
    """Frames of legs (degrees turned to the left per step, metres ahead, metres to the left, steps)."""
    at, poses = np.array(start), []

    def stand():
        ahead = np.array([np.cos(np.radians(heading)), np.sin(np.radians(heading))])
        poses.append(look_at((*at, 1.5), (*(at + ahead), 1.2)))
        return ahead

    stand()
    for turn, forward, left, steps in legs:
        for _ in range(steps):
            ahead = np.array([np.cos(np.radians(heading)), np.sin(np.radians(heading))])
            at = at + forward * ahead + left * np.array([-ahead[1], ahead[0]])
            heading += turn
            stand()
    return tuple(frame(pose, f"{n:03d}") for n, pose in enumerate(poses))


WALK = path((0, 0.3, 0, 6), (-10, 0, 0, 9), (0, 0, 0.25, 6))  # ahead 1.8 m, right by 90 degrees, left 1.5 m


def filmed(frames, instructions=(), source="procedural"):
    """Two things around the middle of a floor, filmed along the path."""
    scene = make_scene([((-2.0, 1.5, 0.6), (0.6, 0.6, 1.2), 0.0), ((2.0, -0.2, 0.6), (0.6, 0.6, 1.2), 0.0)], [],
                       ["lamp", "sofa"])
    return replace(scene, source=source, frames=frames, instructions=instructions)


def told(frames, seed=0):
    things = tuple(RoomObject(o.object_id, o.label, o.box, ()) for o in filmed(frames).objects if not o.structural)
    return walk_instructions(np.random.default_rng(seed), frames, things, SQUARE)


def rows_of(record, limits=LIMITS, seed=0):
    return list(task_rows(NAV, "sentence", record, limits, 40, ("t", "1", seed), Counter()))


def test_legs_are_those_that_the_path_was_made_of():
    legs = [(leg.turn, round(leg.degrees), leg.go, round(leg.metres, 1)) for leg in path_legs(WALK) if leg]
    assert legs == [("", 0, "forward", 1.8), ("right", 90, "", 0.0), ("", 0, "left", 1.5)]
    (leg,) = path_legs(path((8, -0.2, 0, 8)))  # the walk bends as the gaze turns, and stays backward in the picture
    assert leg and (leg.turn, round(leg.degrees), leg.go, round(leg.metres, 1)) == ("left", 64, "backward", 1.6)
    assert path_legs(path((0, 0.2, 0.2, 6))) == [None]  # halfway between two directions
    assert path_legs(path((0, 0.02, 0, 6))) == [None]  # hardly a walk
    assert path_legs(path((-40, 0, 0, 8))) == [None]  # most of a full turn


@pytest.mark.parametrize("seed", range(20))
def test_instructions_say_the_path_in_order(seed):
    for instruction in told(WALK, seed):
        words = [instruction.text[a:b].lower() for a, b in action_words(instruction.text)]
        assert len(words) == len(instruction.claims)
        legs = [word for word, claim in zip(words, instruction.claims) if claim.kind != "side"]
        assert "".join(legs) in "forwardrightleft" and len(legs) >= 2
        sides = {c.object_id: w for w, c in zip(words, instruction.claims) if c.kind == "side"}
        assert sides.items() <= {"0": "ahead", "1": "right"}.items() | {"1": "ahead", "0": "ahead"}.items()
        assert re.fullmatch(r"([A-Z][^.A-Z]*(\d\.\d[^.A-Z]*)*\. ?)+", instruction.text)


def test_rows_leave_out_every_action_word_and_the_poses_confirm_them():
    record = build_record(filmed(WALK, told(WALK)), LIMITS, video=True)
    rows = rows_of(record)
    assert rows
    for row in rows:
        text = re.search(r'"(.*)"', row["question"])[1]
        assert "____" in text and not action_words(text)
        assert row["frame_ids"] in [list(i.frame_ids) for i in record.instructions]
        assert verify(row, record, LIMITS) is None
        for word, other in (("right", "left"), ("forward", "backward"), ("left", "right")):
            if word in row["answer"]:
                assert verify(row | {"answer": row["answer"].replace(word, other, 1)}, record, LIMITS)
        shown = row["question"].replace("____", "somewhere", 1)
        assert verify(row | {"question": shown}, record, LIMITS)


def test_a_mirror_swaps_left_and_right():
    scene = filmed(WALK)
    other = mirrored(scene)
    swap = {"left": "right", "right": "left"}
    things = tuple(RoomObject(o.object_id, o.label, o.box, ()) for o in other.objects if not o.structural)
    for seed in range(10):
        a = told(WALK, seed)
        b = walk_instructions(np.random.default_rng(seed), other.frames, things, SQUARE)
        assert len(a) == len(b) > 0
        for first, second in zip(a, b):
            assert re.sub("left|right", lambda m: swap[m[0]], first.text, flags=re.I).lower() == second.text.lower()
    # the words of the room are wrong for its mirror image, and the second route sees it
    record = build_record(filmed(WALK, told(WALK)), LIMITS, video=True)
    wrong = build_record(replace(other, instructions=told(WALK)), LIMITS, video=True)
    for row in rows_of(record):
        assert verify(row, wrong, LIMITS) == "the camera's path says otherwise"


def test_texts_of_others_are_blanked_sentence_by_sentence():
    ids = tuple(f.frame_id for f in WALK)
    text = ("Go straight ahead past the lamp. Then turn Right and walk up to the window. The sofa is blue. "
            "Turn left twice, go around the table and stop there.")
    scene = filmed(WALK, (Instruction(text, ids),), "elsewhere")
    record = build_record(scene, LIMITS, video=True)
    seen = set()
    for seed in range(30):
        (row,) = rows_of(record, replace(LIMITS, max_blanks=3), seed)
        blanked = re.search(r'"(.*)"', row["question"])[1]
        words = row["answer"].rstrip(".").split(": ")[-1].split(" words are ")[-1].split(" words ")[-1].split(", ")
        assert 1 <= len(words) <= 3 and blanked.count("____") == len(words)
        filled = blanked
        for word in words:
            filled = re.sub(r"(\(\d\) )?____", word, filled, count=1)
        assert filled.lower() == text.lower()
        for sentence in re.split(r"(?<=\.) ", blanked):
            assert "____" not in sentence or not action_words(sentence)
        seen.add(tuple(words))
        assert verify(row | {"answer": row["answer"].replace(words[0], "down")}, record, LIMITS)
    assert seen == {("straight", "ahead"), ("right", "up"), ("left", "around", "stop")}


def test_long_walks_and_texts_without_action_words_are_not_asked():
    ids = tuple(f.frame_id for f in WALK)
    for text, limits in (("Look at the lamp.", LIMITS), ("Turn left.", replace(LIMITS, video_frames=21))):
        record = build_record(filmed(WALK, (Instruction(text, ids),)), limits, video=True)
        assert len(rows_of(record, limits)) == 0
    with pytest.raises(ValueError, match="instructions: a frame"):
        filmed(WALK, (Instruction("Turn left.", ("nowhere",)),))


def test_procedural_rooms_come_with_instructions_of_their_own_frames():
    scenes = [ProceduralSource(renderer="raycast").load(f"room_{n:06d}") for n in range(4)]
    assert sum(len(scene.instructions) for scene in scenes) >= 6
    for scene in scenes:
        order = [f.frame_id for f in scene.frames]
        for instruction in scene.instructions:
            start = order.index(instruction.frame_ids[0])
            assert tuple(order[start : start + len(instruction.frame_ids)]) == instruction.frame_ids
            assert len(instruction.frame_ids) <= 32
            assert len(action_words(instruction.text)) == len(instruction.claims) >= 2
