"""Which frames of a video show an object, and which object comes first (SPAR, appendix 7.5, "Obj frame location").

An object appears in a frame that shows at least ``min_area`` of it, cut off or not. Where it shows less, but more than
nothing (``glimpse_area``), people would disagree: objects with such frames are not asked about. Frames are counted from
0 in the order of the row's images.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from builders.scenes.scene import OrientedBox
from builders.spar.facts import Asked, Fact, Gold, Rejected
from builders.spar.limits import Limits
from builders.spar.records import ImageRecord, SceneRecord
from builders.spar.second_route import Row, Second, image_of
from builders.spar.tasks.naming import unmistakable
from builders.spar.tasks.sampling import take_turns
from builders.spar.tasks.task import Proposal, Task

_FEWEST, _MOST = 3, 5
"""Objects whose order is asked."""
_GRID = np.array(list(product(np.linspace(-0.5, 0.5, 9), repeat=3)))
"""Points of a box of edge length 1."""
_DRAWS = 400
"""Sets of objects drawn before the order questions of a scene end."""


@dataclass(frozen=True)
class FramesFact(Fact):
    """Positions in the row's images."""

    frames: tuple[int, ...]
    """Where the object is besides its reference frame; or where each of ``asked`` appears first, in that order."""


def frame_names(last: int) -> dict[str, str]:
    """The slot that says how the frames of a question are called."""
    return {"last": str(last)}


def _propose_locate(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
    def references(object_id: str) -> Iterator[Proposal]:
        shown = [n for n, image in enumerate(record.video) if object_id in record.images[image].objects]
        for reference in rng.permutation(shown).astype(int).tolist():
            yield record.video, (Asked(object_id, reference, "red"),)

    names = sorted(record.objects)
    yield from take_turns([references(names[i]) for i in rng.permutation(len(names)).tolist()])


def _locate(record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal) -> FramesFact | Rejected:
    views, (red,) = proposal
    areas = record.video_areas[red.object_id]
    appears = areas >= limits.min_area
    if ((areas > limits.glimpse_area) & ~appears).any():
        return Rejected("barely_visible_in_a_frame")
    others = tuple(n for n in np.flatnonzero(appears).tolist() if n != red.view)
    if len(others) < 2:
        return Rejected("in_too_few_frames")
    if (~appears).sum() < limits.min_frames_without:
        return Rejected("in_too_many_frames")
    return FramesFact(views, (red,), None, others)


def _answer_locate(
    fact: FramesFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold:
    numbers = tuple(map(float, fact.frames))
    names = ", ".join(f"Frame-{n}" for n in fact.frames)
    slots = {"reference": f"Frame-{fact.asked[0].view}", "frames": names, "count": str(len(numbers)),
             **frame_names(len(fact.views) - 1)}
    return Gold(names, numbers, numbers, ("frame",) * len(numbers), slots=slots)


def _second_locate(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    (red,) = row["objects"]
    if f"Frame-{red['image_index']}" not in row["question"]:
        return "reference frame not named"
    found = [n for n in range(len(row["frame_ids"])) if n != red["image_index"]
             and image_of(row, record, n).glimpsed.get(red["object_id"], 0.0) > limits.glimpse_area]
    problem = _sight_problem(row, record, red["object_id"], [*found, red["image_index"]])
    said = ", ".join(f"Frame-{n}" for n in found)
    if not problem and f" {said}." not in f" {row['answer']}":
        problem = "sentence without the answer"
    return problem or Second(np.array(found, dtype=float), said)


def _sight_problem(row: Row, record: SceneRecord, object_id: str, frames: list[int]) -> str | None:
    """The object's box must reach into exactly these frames, or into others where something hides it."""
    box, item = record.objects[object_id].item.box, record.objects[object_id]
    images = [image_of(row, record, n) for n in range(len(row["frame_ids"]))]
    if not _reaches_into(box, [images[n] for n in frames]).all():
        return "object outside a frame that should show it"
    if any(image.index in item.images for n, image in enumerate(images) if n not in frames):
        return "object seen in a frame that should not show it"
    return None


def _reaches_into(box: OrientedBox, images: Sequence[ImageRecord]) -> NDArray[np.bool_]:
    """(F,) whether some point of the box projects into each image, one pixel of slack."""
    world = np.c_[box.center + (_GRID * box.extents) @ box.axes, np.ones(len(_GRID))]
    camera = (np.array([image.camera_from_world for image in images]) @ world.T)[:, :3]
    u, v, w = np.moveaxis(np.array([image.frame.intrinsics for image in images]) @ camera, 1, 0)
    right, bottom = np.array([(image.frame.width + 0.5, image.frame.height + 0.5) for image in images]).T[..., None]
    inside = (w > 0.02) & (u > -1.5 * w) & (u < right * w) & (v > -1.5 * w) & (v < bottom * w)
    return inside.any(axis=1)


def _propose_order(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
    """Sets of objects with unmistakable names that come into view one after another, named in random order."""
    first = {}
    for object_id in sorted(unmistakable(record)):
        appears = record.video_areas[object_id] >= limits.min_area
        if appears.any():
            first[object_id] = int(appears.argmax())
    names, drawn = list(first), set()
    for _ in range(_DRAWS):
        wanted = int(rng.integers(_FEWEST, _MOST + 1))
        chosen: list[str] = []
        for i in rng.permutation(len(names)).tolist():
            if all([abs(first[names[i]] - first[other]) >= limits.min_appearance_gap for other in chosen]):
                chosen.append(names[i])
            if len(chosen) == wanted:
                break
        if len(chosen) == wanted and frozenset(chosen) not in drawn:
            drawn.add(frozenset(chosen))
            yield record.video, tuple(Asked(o, first[o], f"object{n}") for n, o in enumerate(chosen))


def _order(record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal) -> FramesFact | Rejected:
    views, asked = proposal
    for a in asked:
        if (record.video_areas[a.object_id][: a.view] > limits.glimpse_area).any():
            return Rejected("barely_visible_before")
    in_order = tuple(sorted(asked, key=lambda a: a.view))
    if any(b.view - a.view < limits.min_appearance_gap for a, b in pairwise(in_order)):
        return Rejected("appear_together")
    return FramesFact(views, asked, None, tuple(a.view for a in asked))


def _answer_order(
    fact: FramesFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold:
    pairs = sorted(zip(fact.frames, (record.label(a.object_id) for a in fact.asked)))
    numbers = tuple(float(frame) for frame, _ in pairs)
    said = [f"the {label} in Frame-{frame}" for frame, label in pairs]
    *names, last = [f"the {record.label(a.object_id)}" for a in fact.asked]
    slots = {
        "names": f"{', '.join(names)} and {last}",
        "order": ", ".join(label for _, label in pairs),
        "first": said[0], "then": ", then ".join(said[1:]), **frame_names(len(fact.views) - 1),
    }
    return Gold(slots["order"], numbers, numbers, ("frame",) * len(numbers), slots=slots)


def _second_order(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """Walks the frames once and notes every object that was not there before."""
    waiting = {o["object_id"]: o["label"] for o in row["objects"]}
    order: list[tuple[int, str]] = []
    for n in range(len(row["frame_ids"])):
        image = image_of(row, record, n)
        for object_id in [o for o in waiting if image.glimpsed.get(o, 0.0) > limits.glimpse_area]:
            if not _reaches_into(record.objects[object_id].item.box, [image]).all():
                return "object outside a frame that should show it"
            order.append((n, waiting.pop(object_id)))
    if waiting:
        return "object never appears"
    if any(b[0] - a[0] < limits.min_appearance_gap for a, b in pairwise(order)):
        return "objects appear together"
    if any(label not in row["question"] for _, label in order):
        return "object not named"
    said = re.findall("|".join(rf"\b{re.escape(label.lower())}\b" for _, label in order), row["answer"].lower())
    if said != [label.lower() for _, label in order]:
        return "order differs"
    return Second(np.array([n for n, _ in order], dtype=float), ", ".join(label for _, label in order))


FRAMES_TASKS = (
    Task(
        name="obj_frame_locate", short="FrameLoc", level="medium", relation="none", img_type="video", views=0,
        formats=("sentence",), bench_format="", options=0, marker="box",
        propose=_propose_locate, measure=_locate, answer=_answer_locate, recompute=_second_locate,
    ),
    Task(
        name="appearance_order", short="AppOrder", level="high", relation="none", img_type="video", views=0,
        formats=("fill", "sentence"), bench_format="", options=0, marker="none",
        propose=_propose_order, measure=_order, answer=_answer_order, recompute=_second_order,
        fill_metric="order_accuracy",
    ),
)
