"""The growing furniture plan of a room: what stands where, what must stay free, and whether one can still walk."""

from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.geometry import Point, Polygon

from builders.scenes.procedural.furniture.model import Model
from builders.scenes.procedural.outline import Wall, walls_of
from builders.scenes.scene import Array

BODY = 0.36
"""Distance a walker's camera keeps from furniture, metres."""
WALL_GAP = 0.31
"""Distance a walker's camera keeps from walls, metres."""
HEAD_ROOM = 1.95
"""Things that begin above this height do not hinder walking, metres."""
RUG_TOP = 0.012
"""Rugs lie flat below this height: furniture stands through them."""


@dataclass(frozen=True, eq=False)
class Placed:
    """One object in the plan."""

    kind: str
    model: Model
    at: Array
    """(3,) world position of the model's origin."""
    yaw: float
    """Radians about +Z."""
    footprint: Polygon
    z: tuple[float, float]

    def world(self, x: float, y: float) -> Array:
        """(2,) world position of a point in the object's own frame."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return self.at[:2] + np.array([c * x - s * y, s * x + c * y])


def placed(kind: str, model: Model, at: Array, yaw: float) -> Placed:
    """The model standing at ``at`` (3,), with its rectangular footprint."""
    low, high = model.bounds
    c, s = np.cos(yaw), np.sin(yaw)
    corners = np.array([(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])])
    footprint = Polygon(corners @ np.array([[c, s], [-s, c]]) + at[:2])
    return Placed(kind, model, np.asarray(at, dtype=float), float(yaw), footprint, (at[2] + low[2], at[2] + high[2]))


@dataclass(eq=False)
class Plan:
    """Mutable while a room is furnished."""

    polygon: Array
    height: float
    room_type: str
    things: list[Placed] = field(default_factory=list)
    clear: list[Polygon] = field(default_factory=list)
    """Floor that later furniture must leave free."""
    doorsteps: list[Point] = field(default_factory=list)
    """Where one stands before each door."""

    def __post_init__(self) -> None:
        self.outline = Polygon(self.polygon)
        self.walls: list[Wall] = walls_of(self.polygon)
        self._inside = self.outline.buffer(1e-6)
        self._walk = self.outline.buffer(-WALL_GAP, join_style="mitre")

    def count(self, kind: str) -> int:
        return sum(thing.kind == kind for thing in self.things)

    def of(self, *kinds: str) -> list[Placed]:
        return [thing for thing in self.things if thing.kind in kinds]

    def room_for(self, thing: Placed, besides: tuple[Placed, ...] = (), gap: float = 0.01, front: float = 0.0) -> bool:
        """Whether the thing is inside the room and meets no thing, no cleared floor, and keeps its ``front`` open.

        ``besides`` are things it may meet: its support, or the table a chair is pushed under.
        """
        if not self._inside.covers(thing.footprint) or thing.z[1] > self.height - 0.0005:
            return False
        near = [
            other.footprint
            for other in self.things
            if other not in besides and other.z[0] < thing.z[1] and thing.z[0] < other.z[1] and other.z[1] > RUG_TOP
        ]
        if near and shapely.dwithin(np.array(near), thing.footprint, gap).any():
            return False
        if thing.z[0] < 0.3 and any(zone.intersects(thing.footprint) for zone in self.clear):
            return False
        if front:
            zone = self.front_zone(thing, front)
            blockers = [
                other.footprint
                for other in self.things
                if other.z[0] < 1.0 and other.z[1] > RUG_TOP and other not in besides
            ]
            if not self.outline.covers(zone) or (blockers and shapely.intersects(np.array(blockers), zone).any()):
                return False
        return True

    def front_zone(self, thing: Placed, depth: float) -> Polygon:
        """The floor before an object, as wide as it and ``depth`` deep."""
        low, high = thing.model.bounds
        return Polygon(
            [
                thing.world(x, y)
                for x, y in (
                    (low[0] + 0.02, high[1] + 0.005),
                    (high[0] - 0.02, high[1] + 0.005),
                    (high[0] - 0.02, high[1] + depth),
                    (low[0] + 0.02, high[1] + depth),
                )
            ]
        )

    def walkable(self, *extra: Placed) -> Polygon:
        """The largest connected floor where a camera can be carried; empty when a door is cut off from it."""
        blockers = [
            thing.footprint
            for thing in (*self.things, *extra)
            if thing.kind not in ("door", "window") and thing.z[0] < HEAD_ROOM and thing.z[1] > RUG_TOP
        ]
        free = (
            self._walk.difference(shapely.union_all(shapely.buffer(np.array(blockers), BODY, quad_segs=4)))
            if blockers
            else self._walk
        )
        pieces = [piece for piece in getattr(free, "geoms", [free]) if piece.area > 0]
        if not pieces:
            return Polygon()
        largest = max(pieces, key=lambda piece: piece.area)
        return largest if all(largest.distance(step) < 0.03 for step in self.doorsteps) else Polygon()

    def stays_walkable(self, *extra: Placed) -> bool:
        """Whether enough floor stays connected with every door once ``extra`` stand too."""
        free = self.walkable(*extra)
        if free.area < max(2.0, 0.15 * self.outline.area):
            return False
        x0, y0, x1, y1 = free.bounds
        return bool(np.hypot(x1 - x0, y1 - y0) > 3.0)

    def add(self, thing: Placed, front: float = 0.0) -> Placed:
        """Keeps the thing, and the floor before it clear."""
        self.things.append(thing)
        if front:
            self.clear.append(self.front_zone(thing, front))
        return thing
