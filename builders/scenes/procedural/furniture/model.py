"""What a furniture builder returns, and what the catalogue says about each label."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from builders.scenes.procedural.furniture.shapes import Geometry, joined
from builders.scenes.procedural.room import Material, Part
from builders.scenes.scene import Array

Piece = tuple[Geometry, Material] | tuple[Geometry, Material, bool]
"""A solid, its look, and whether it is shaded smooth."""
PLACEMENTS = ("wall", "free", "group", "surface", "hung", "ceiling", "rug")
"""wall: floor, back to a wall. free: floor, anywhere. group: placed by a furniture group only. surface: on
another object's support. hung: on a wall. ceiling, rug: as they say."""


@dataclass(frozen=True)
class Surface:
    """A horizontal rectangle where small things may stand, in the object's own frame, metres."""

    x: tuple[float, float]
    y: tuple[float, float]
    z: float
    headroom: float = 1.0
    """Free height above it."""


@dataclass(frozen=True, eq=False)
class Model:
    """An object in its own frame: origin at the footprint's centre on its support, +Y its front, +Z up."""

    parts: tuple[Part, ...]
    surfaces: tuple[Surface, ...] = ()

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """(3,) low and (3,) high corner over all parts."""
        vertices = np.concatenate([part.vertices for part in self.parts])
        return vertices.min(axis=0), vertices.max(axis=0)


@dataclass(frozen=True)
class Spec:
    """How a label is built and where it belongs."""

    build: Callable[[Generator], Model]
    placement: str
    """One of PLACEMENTS."""
    rooms: str = "living bedroom office dining studio"
    """Room types it occurs in."""
    front: float = 0.0
    """Clear floor kept before its front, metres."""
    limit: int = 1
    """At most so many placed by themselves; groups may add more."""
    weight: float = 1.0
    """How often it is drawn, relative to others of its placement."""
    heights: tuple[float, float] = (0.0, 0.0)
    """Range of the bottom edge above the floor, for hung things, metres."""
    on: str = ""
    """Supports it may stand on, for surface things; labels joined by commas."""
    label: str = ""
    """The category name, where it is not the catalogue's key."""


def model(*pieces: Piece, surfaces: tuple[Surface, ...] = ()) -> Model:
    """A Model from (geometry, material[, smooth]) pieces; pieces of equal look become one part.

    The model is moved so that its footprint is centred and its lowest point lies at z = 0.
    """
    looks: dict[tuple[Material, bool], list[Geometry]] = {}
    for geometry, material, *smooth in pieces:
        looks.setdefault((material, bool(smooth and smooth[0])), []).append(geometry)
    parts = [Part(*joined(*geometries), material, smooth) for (material, smooth), geometries in looks.items()]
    vertices = np.concatenate([part.vertices for part in parts])
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    x, y, z = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]
    centred = tuple(Part(part.vertices - [x, y, z], part.faces, part.material, part.smooth) for part in parts)
    return Model(
        centred,
        tuple(Surface((s.x[0] - x, s.x[1] - x), (s.y[0] - y, s.y[1] - y), s.z - z, s.headroom) for s in surfaces),
    )
