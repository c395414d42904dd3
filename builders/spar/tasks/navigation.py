"""Missing words of a navigation instruction (SPAR, appendix 7.5, "Navigation").

The paper takes instructions of RxR over panorama walks of Matterport3D. Here a source brings them with the scene
(``Scene.instructions``); those it derives from the camera's own path come with claims, which the second route checks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from builders.scenes.scene import Array, Claim
from builders.spar.facts import Fact, Gold, Rejected
from builders.spar.limits import Limits
from builders.spar.records import ImageRecord, SceneRecord
from builders.spar.second_route import Row, Second, image_of
from builders.spar.tasks.task import Proposal, Task

ACTION_WORDS = (
    "left", "right", "straight", "forward", "forwards", "ahead", "around", "back", "backward", "backwards", "sideways",
    "up", "down", "upstairs", "downstairs", "upward", "upwards", "downward", "downwards", "leftward", "leftwards",
    "rightward", "rightwards", "clockwise", "counterclockwise", "anticlockwise", "stop", "continue", "exit", "enter",
)
"""What may be left out: words of direction, and of action where the pictures tell it. In the sentences that have blanks
all of them are left out, so that none gives another away."""

_ACTION = re.compile(rf"\b(?:{'|'.join(ACTION_WORDS)})\b", re.IGNORECASE)
_BLANK = re.compile(r"(?:\(\d+\) )?____")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_QUOTED = re.compile(r'"(.+)"', re.DOTALL)


@dataclass(frozen=True)
class InstructionFact(Fact):
    """An instruction and where its blanks are."""

    text: str
    blanks: tuple[tuple[int, int], ...]
    """Start and end of each word left out."""


def action_words(text: str) -> list[tuple[int, int]]:
    """Start and end of every action word.

    Example:
        >>> action_words("Turn left, then go right.")
        [(5, 9), (19, 24)]
    """
    return [match.span() for match in _ACTION.finditer(text)]


def _propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
    """Each walk once, however many texts there are for it."""
    index = {image.frame.frame_id: image.index for image in record.images}
    walks = list(dict.fromkeys(instruction.frame_ids for instruction in record.instructions))
    for i in rng.permutation(len(walks)).tolist():
        yield tuple(index[frame_id] for frame_id in walks[i]), ()


def _measure(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> InstructionFact | Rejected:
    """All of the text gets blanks, or a random run of whole sentences, as long as the number of blanks allows."""
    views = proposal[0]
    if len(views) > limits.video_frames:
        return Rejected("too_many_frames")
    frame_ids = tuple(record.frame(view).frame_id for view in views)
    texts = [i.text for i in record.instructions if i.frame_ids == frame_ids]
    text = texts[rng.integers(len(texts))]
    if '"' in text or "____" in text:
        return Rejected("instruction_with_quotes")
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    words = action_words(text)
    sentences = [[word for word in words if a <= word[0] < b] for a, b in pairwise(starts)]
    chosen: list[tuple[int, int]] = []
    for first in [0] if len(words) <= limits.max_blanks else rng.permutation(len(sentences)).tolist():
        for sentence in sentences[first:]:
            if len(chosen) + len(sentence) > limits.max_blanks:
                break
            chosen += sentence
        if chosen:
            return InstructionFact(views, (), None, text, tuple(chosen))
    return Rejected("no_action_words")


def _answer(
    fact: InstructionFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold:
    words = ", ".join(fact.text[a:b].lower() for a, b in fact.blanks)
    return Gold(words, (), (), (), slots={"instruction": _blanked(fact.text, fact.blanks), "words": words})


def _blanked(text: str, blanks: tuple[tuple[int, int], ...]) -> str:
    """The text with blanks for words, numbered if there are several."""
    pieces, end = [], 0
    for number, (a, b) in enumerate(blanks, 1):
        pieces += [text[end:a], f"({number}) ____" if len(blanks) > 1 else "____"]
        end = b
    return "".join([*pieces, text[end:]])


def _second_route(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """The words that turn the question's text into the source's; and, where the source says what each word claims,
    the same words from the stored camera poses."""
    quoted = _QUOTED.search(row["question"])
    if quoted is None:
        return "no instruction"
    pattern = r"(\w+)".join(re.escape(piece) for piece in _BLANK.split(quoted[1]))
    for instruction in record.instructions:
        filled = re.fullmatch(pattern, instruction.text)
        if filled is None or list(instruction.frame_ids) != row["frame_ids"]:
            continue
        words = [word.lower() for word in filled.groups()]
        if instruction.claims:
            every = action_words(instruction.text)
            if len(every) != len(instruction.claims):
                return "not every direction word has a claim"
            claims = dict(zip(every, instruction.claims))
            blanks = [filled.span(n) for n in range(1, len(words) + 1)]
            seen = [_word_of(claims[blank], row, record, limits) for blank in blanks]
            if seen != words:
                return "the camera's path says otherwise"
        said = ", ".join(words)
        return Second(np.zeros(0), said) if f" {said}." in row["answer"] else "answer differs"
    return "the scene has no such instruction"


def _word_of(claim: Claim, row: Row, record: SceneRecord, limits: Limits) -> str:
    """A claim's word from the poses of the row's frames, without headings: complex numbers, camera axes, rays."""
    first, last = (row["frame_ids"].index(frame_id) for frame_id in claim.frame_ids)
    images = [image_of(row, record, n) for n in range(first, last + 1)]
    if claim.kind == "turn":
        ahead = np.array([complex(*image.frame.world_from_camera[:2, 2]) for image in images])
        return "left" if np.angle(ahead[1:] / ahead[:-1]).sum() > 0 else "right"
    if claim.kind == "move":
        steps = [_seen_from(a, b.frame.center) for a, b in pairwise(images)]
        x, _, z = np.sum(steps, axis=0)
        if abs(z) > abs(x):
            return "forward" if z > 0 else "backward"
        return "right" if x > 0 else "left"
    end = images[-1]
    if end.glimpsed.get(claim.object_id, 0.0) < limits.min_area:
        return "landmark not visible"
    x, _, z = _seen_from(end, record.objects[claim.object_id].item.box.corners().mean(axis=0))
    if abs(x) < _AHEAD * z:
        return "ahead"
    return "right" if x > 0 else "left"


_AHEAD = 0.15
"""Tangent of the angle from the optical axis up to which a landmark counts as ahead."""


def _seen_from(image: ImageRecord, point: Array) -> Array:
    """(3,) a world point in the image's camera, by the inverse pose."""
    return (image.camera_from_world @ np.append(point, 1.0))[:3]


NAVIGATION_TASKS = (
    Task(
        name="nav_video", short="Nav", level="high", relation="none", img_type="video", views=0,
        formats=("sentence",), bench_format="", options=0, marker="none",
        propose=_propose, measure=_measure, answer=_answer, recompute=_second_route, needs="instructions",
    ),
)
