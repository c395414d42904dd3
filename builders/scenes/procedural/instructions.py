"""Navigation instructions from the walked path: turns of the gaze, steps between them, landmarks in view.

The walker looks around while walking, so pictures show turns of the gaze and not of the path. "Turn left" therefore is
the camera's turn, and "walk forward" is along the optical axis of the moment; a walk to the side is told as such. A
stretch with no clear turn and no clear direction is not told, and ends the instruction.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from shapely.geometry import Polygon

from builders.scenes.procedural.gaze import in_sight
from builders.scenes.procedural.room import RoomObject
from builders.scenes.scene import Array, Claim, Frame, Instruction
from builders.yaml_files import read_yaml

FEWEST_LEGS, MOST_LEGS = 2, 4
MOST_FRAMES = 32
TURNING = 3.0
"""Degrees from frame to frame from which on the gaze turns rather than wanders."""
STANDING = 0.02
"""Metres from frame to frame up to which the camera stands still."""
SHORTEST_LEG = 4
"""Steps between frames; shorter ones join their neighbours."""
LEAST_TURN, MOST_TURN = 25.0, 200.0
"""Degrees of a turn that is told."""
MOST_WANDER = 20.0
"""Degrees by which the gaze may change while the camera is said to look one way."""
LEAST_WALK = 0.4
"""Metres of a walk that is told."""
UNITY = 0.9
"""Mean resultant length of the steps' directions in the picture, below which they are not one direction."""
OFF_AXIS = 28.0
"""Degrees between a walk and the axis it is told by (forward, backward, left, right)."""
AHEAD, BESIDE = 5.0, (14.0, 30.0)
"""Degrees from the optical axis at which a landmark is ahead, or to one side; between, it is not told."""
LEAST_SIZE = 0.015
"""Area of a landmark's box in the picture / area of the picture."""

_WAYS = ("forward", "left", "backward", "right")


@dataclass(frozen=True)
class Leg:
    """A stretch of the path with one turn, one direction of walking, or both."""

    first: int
    last: int
    """Frames, both included; the last is the first of the next leg."""
    turn: str
    """left, right, or empty."""
    degrees: float
    go: str
    """forward, backward, left, right, or empty."""
    metres: float

    @property
    def roams(self) -> bool:
        """The camera walks, but in no one direction of the picture."""
        return not self.go and self.metres >= LEAST_WALK


def walk_instructions(
    rng: Generator, frames: tuple[Frame, ...], objects: tuple[RoomObject, ...], polygon: Array
) -> tuple[Instruction, ...]:
    """Instructions for runs of neighbouring legs, each run told once; they may share a leg with the next."""
    runs: list[list[Leg]] = [[]]
    for leg in path_legs(frames):
        if leg is None or (runs[-1] and runs[-1][-1].last != leg.first):
            runs.append([])
        if leg is not None:
            runs[-1].append(leg)
    landmarks = _Landmarks(frames, objects, polygon)
    told = []
    for run in runs:
        start = 0
        while len(run) - start >= FEWEST_LEGS:
            count = min(int(rng.integers(FEWEST_LEGS, MOST_LEGS + 1)), len(run) - start)
            while count > FEWEST_LEGS and run[start + count - 1].last - run[start].first >= MOST_FRAMES:
                count -= 1
            legs = run[start : start + count]
            if legs[-1].last - legs[0].first < MOST_FRAMES:
                told.append(_instruction(rng, legs, frames, landmarks))
            start += max(1, count - 1)
    return tuple(told)


def path_legs(frames: tuple[Frame, ...]) -> list[Leg | None]:
    """The path cut where the gaze starts or stops turning, or the walk takes another direction in the picture; None for
    a stretch that is not told."""
    axes = np.array([f.world_from_camera[:2, 2] for f in frames])
    heading = np.degrees(np.unwrap(np.arctan2(axes[:, 1], axes[:, 0])))
    steps = np.diff([f.center[:2] for f in frames], axis=0)
    angle = np.degrees(np.arctan2(steps[:, 1], steps[:, 0])) - heading[:-1]
    turning = np.diff(heading)
    length = np.linalg.norm(steps, axis=1)
    quadrant = np.where(length > STANDING, np.round(angle / 90) % 4, -1)
    kinds = np.stack([np.where(np.abs(turning) > TURNING, np.sign(turning), 0), quadrant], axis=1)
    changes = np.flatnonzero((kinds[1:] != kinds[:-1]).any(axis=1)) + 1
    # where two changes are close, the stretch between joins the one after it; at the very end, the one before
    kept = [0]
    for bound in [*changes.tolist(), len(kinds)]:
        if bound - kept[-1] >= SHORTEST_LEG:
            kept.append(bound)
    kept[-1] = len(kinds)
    legs: list[Leg | None] = []
    for first, last in pairwise(kept):
        leg = _leg(first, last, heading, angle, length)
        before = legs[-1] if legs else None
        if leg and before and (leg.turn, leg.go) == (before.turn, before.go):
            # told alike: one stretch, if it still is one when measured as a whole
            both = _leg(before.first, last, heading, angle, length)
            if both and (both.turn, both.go) == (leg.turn, leg.go):
                legs[-1] = both
                continue
        legs.append(leg)
    return legs


def _leg(first: int, last: int, heading: Array, angle: Array, length: Array) -> Leg | None:
    turned = float(heading[last] - heading[first])
    swing = np.ptp(heading[first : last + 1])
    turns = LEAST_TURN <= abs(turned) <= MOST_TURN and swing <= abs(turned) + 5
    if not turns and swing > MOST_WANDER:
        return None
    metres = float(length[first:last].sum())
    mean = (length[first:last] * np.exp(1j * np.radians(angle[first:last]))).sum() / max(metres, 1e-9)
    off = np.degrees(np.angle(mean))
    axis = round(off / 90)
    goes = metres >= LEAST_WALK and abs(mean) >= UNITY and abs(off - 90 * axis) <= OFF_AXIS
    if not turns and not goes:
        return None
    return Leg(first, last, ("left" if turned > 0 else "right") if turns else "", abs(turned),
               _WAYS[axis % 4] if goes else "", metres)


class _Landmarks:
    """Which objects a frame shows so that one can say where they are: whole, large enough, and named like no other."""

    def __init__(self, frames: tuple[Frame, ...], objects: tuple[RoomObject, ...], polygon: Array):
        nouns = Counter(o.label.split()[-1] for o in objects)
        self._objects = tuple(o for o in objects if nouns[o.label.split()[-1]] == 1 and not o.label.endswith("s"))
        self._frames = frames
        centers = np.array([f.center for f in frames])
        self._sight = in_sight(centers, self._objects, Polygon(polygon)) if self._objects else None

    def beside(self, frame: int) -> list[tuple[RoomObject, str]]:
        """The landmarks of a frame, and whether they are left, right or ahead."""
        shown = self._frames[frame]
        found = []
        for n, item in enumerate(self._objects):
            assert self._sight is not None
            points = np.concatenate([item.box.corners(), item.box.center[None]])
            x, y, z = ((points - shown.center) @ shown.world_from_camera[:3, :3]).T
            u, v = shown.intrinsics[:2] @ np.stack([x, y, z]) / z
            large = np.ptp(u) * np.ptp(v) >= LEAST_SIZE * shown.width * shown.height
            inside = (z > 0.3) & (u > 0) & (u < shown.width - 1) & (v > 0) & (v < shown.height - 1)
            if not (self._sight[frame, n] and large and inside.all()):
                continue
            angle = float(np.degrees(np.arctan2(x[-1], z[-1])))
            if abs(angle) <= AHEAD:
                found.append((item, "ahead"))
            elif BESIDE[0] <= abs(angle) <= BESIDE[1]:
                found.append((item, "right" if angle > 0 else "left"))
        return found


def _instruction(
    rng: Generator, legs: list[Leg], frames: tuple[Frame, ...], landmarks: _Landmarks
) -> Instruction:
    sentences, claims = [], []
    used: set[str] = set()
    for n, leg in enumerate(legs):
        ends = (frames[leg.first].frame_id, frames[leg.last].frame_id)
        walk = "along" if leg.go in ("forward", "backward") else "across" if leg.go else "roaming" if leg.roams else ""
        template = _drawn(rng, "_".join(filter(None, ("turn" if leg.turn else "", walk))))
        clause = template.format(
            turn=leg.turn, go=leg.go, degrees=10 * round(leg.degrees / 10), length=_metres(leg.metres))
        kinds = {"{turn}": "turn", "{go}": "move"}
        claims += [Claim(kinds[slot], ends) for slot in re.findall("{turn}|{go}", template)]
        seen = [(item, way) for item, way in landmarks.beside(leg.last) if item.object_id not in used]
        if seen:
            item, way = seen[int(rng.integers(len(seen)))]
            used.add(item.object_id)
            place = _drawn(rng, "facing" if way == "ahead" else "beside").format(landmark=item.label, way=way)
            clause = f"{clause}, {place}" if place.startswith("so") else f"{clause} {place}"
            claims.append(Claim("side", ends, item.object_id))
        group = "first" if n == 0 else "last" if n == len(legs) - 1 else "next"
        sentence = _drawn(rng, group).format(clause=clause)
        sentences.append(sentence[0].upper() + sentence[1:])
    shown = frames[legs[0].first : legs[-1].last + 1]
    return Instruction(" ".join(sentences), tuple(f.frame_id for f in shown), tuple(claims))


def _metres(length: float) -> str:
    """To half a metre.

    Example:
        >>> _metres(0.9), _metres(1.4)
        ('1 meter', '1.5 meters')
    """
    rounded = round(2 * length) / 2
    return "half a meter" if rounded < 1 else "1 meter" if rounded == 1 else f"{rounded:g} meters"


def _drawn(rng: Generator, group: str) -> str:
    sentences = list(_wording()[group].values())
    return sentences[int(rng.integers(len(sentences)))]


@cache
def _wording() -> dict[str, dict[str, str]]:
    return read_yaml(files("builders.scenes.procedural").joinpath("instructions.yaml"))
