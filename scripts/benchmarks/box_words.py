"""What it costs to write a 3D box down as a frame, a point, a depth and a size, and what refinement gives back.

    python scripts/benchmarks/box_words.py                                        # three procedural rooms
    python scripts/benchmarks/box_words.py --source scannet=/data/scannet/scans --scenes 1

Every object that may be asked about, from every keyframe that shows it: its box by the unrounded numbers, as written
(depth to a centimetre), with depths in decimetres, and with noise on point, depth and size; each of them as it is, and
replaced by the best-matching box of the scene. The last line plants 10 cm of depth and compares with the closed form
for a box that was shifted.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # before this folder, where `metrics` is a benchmark

import numpy as np
import typer
from numpy.typing import NDArray

from builders.command import run_command
from builders.scenes import open_source
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord, build_record
from builders.spar.tasks.grounding import box_numbers, box_text, frames_of, rounded
from metrics.box_iou._core import box_ious
from recipes.placing import box_of, parse_box, refined

Array = NDArray[np.float64]

NOISE_PX1000, NOISE_DEPTH, NOISE_SIZE = 15.0, 0.06, 0.15
"""Standard deviations of the point (0 to 1000), and, as shares, of depth and size."""
PLANTED = 0.1
"""Metres."""

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


class Seen(NamedTuple):
    """An object in a frame."""

    gold: Array
    """(6,) its box."""
    proposals: Array
    """(N, 6) the boxes of its scene."""
    camera: Mapping[str, Any]
    """The columns of a row that tell the frame's camera."""
    numbers: tuple[float, ...]
    """The unrounded answer: frame, u, v, depth, size."""


@app.command(help=__doc__)
def main(
    source: Annotated[str, typer.Option(metavar="NAME[=ROOT]", help="Of the scenes.")] = "procedural",
    scenes: Annotated[int, typer.Option(min=1, help="How many.")] = 3,
    thinnest: Annotated[float, typer.Option(min=0, help="Metres; thinner things are left out.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
) -> None:
    opened = open_source(source, 0, "raycast")
    records = [build_record(opened.load(scene), Limits()) for scene in islice(opened.scene_ids(), scenes)]
    seen = [one for record in records for one in all_seen(record, thinnest)]
    rng = np.random.default_rng(seed)
    print(f"{source}: {len(records)} scenes, {len(seen)} objects in frames, at least {thinnest:g} m thick")
    answers: dict[str, list[tuple[float, ...]]] = {
        "unrounded": [one.numbers for one in seen],
        "as written": [parse_box(box_text(rounded(one.numbers))).value or () for one in seen],
        "depth in decimetres": [(*rounded(one.numbers)[:3], round(one.numbers[3], 1), *rounded(one.numbers)[4:])
                                for one in seen],
        "with noise": [noisy(one.numbers, rng) for one in seen],
    }
    for name, numbers in answers.items():
        boxes = [box_of(one.camera, given) for one, given in zip(seen, numbers, strict=True)]
        print(f"{name:<22}{figures(seen, boxes)}")
        chosen = [refined(box, one.proposals) for one, box in zip(seen, boxes, strict=True)]
        print(f"{'  refined':<22}{figures(seen, chosen)}")
    deeper = [(*one.numbers[:3], one.numbers[3] + PLANTED, *one.numbers[4:]) for one in seen]
    measured = ious(seen, [box_of(one.camera, numbers) for one, numbers in zip(seen, deeper, strict=True)])
    expected = np.array([shifted_iou(one) for one in seen])
    print(f"{PLANTED:g} m too deep: mean IoU {measured.mean():.4f}, by the closed form {expected.mean():.4f}; largest "
          f"difference {np.abs(measured - expected).max():.1e}")


def all_seen(record: SceneRecord, thinnest: float) -> list[Seen]:
    """Every object in every keyframe that shows it with its box's centre."""
    proposals = np.array([[*box.center, *box.extents] for box in record.aligned_boxes.values()])
    found = []
    for name, views in frames_of(record).items():
        box = record.aligned_boxes[name]
        for view in views if box.extents.min() >= thinnest else ():
            frame = record.frame(view)
            camera = {"intrinsics": [frame.intrinsics], "world_from_camera": [frame.world_from_camera],
                      "width": [frame.width], "height": [frame.height]}
            numbers = box_numbers(0, record.images[view], box.center, box.extents)
            found.append(Seen(np.array([*box.center, *box.extents]), proposals, camera, numbers))
    return found


def noisy(numbers: Sequence[float], rng: np.random.Generator) -> tuple[float, ...]:
    """The answer of somebody who is a little off."""
    frame, *rest = numbers
    point, scale = rng.normal(0, NOISE_PX1000, 2), np.exp(rng.normal(0, [NOISE_DEPTH] + 3 * [NOISE_SIZE]))
    return frame, *(rest[:2] + point).tolist(), *(rest[2:] * scale).tolist()


def shifted_iou(one: Seen) -> float:
    """Of a box with itself, moved by ``PLANTED`` metres of depth along the ray from the camera."""
    center, extents = one.gold[:3], one.gold[3:]
    ray = (center - one.camera["world_from_camera"][0][:3, 3]) / one.numbers[3]
    shared = np.clip(extents - np.abs(PLANTED * ray), 0, None).prod()
    return float(shared / (2 * extents.prod() - shared))


def ious(seen: Sequence[Seen], boxes: Sequence[Array]) -> Array:
    """(N,) overlap with the true boxes."""
    return box_ious([box.tolist() for box in boxes], [one.gold.tolist() for one in seen])


def figures(seen: Sequence[Seen], boxes: Sequence[Array]) -> str:
    """Mean and least IoU, Acc@0.25 and Acc@0.5."""
    found = ious(seen, boxes)
    return (f"mean IoU {found.mean():.3f}  least {found.min():.3f}  Acc@0.25 {100 * (found >= 0.25).mean():5.1f}  "
            f"Acc@0.5 {100 * (found >= 0.5).mean():5.1f}")


if __name__ == "__main__":
    run_command(app)
