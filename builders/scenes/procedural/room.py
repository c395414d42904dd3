"""What a procedural room is before it becomes a Scene or a picture: parts with materials, lights, a camera path.

Both renderers (``raycast``, ``cycles``) and the Scene are made from this one description, so they cannot disagree
about geometry. World: metres, +Z up, floor at z = 0.
"""

from dataclasses import dataclass

from builders.scenes.scene import Array, Frame, Index, OrientedBox


@dataclass(frozen=True)
class Material:
    """Surface look of a part."""

    name: str
    """Unique within a room, for example ``oak_2``."""
    pattern: str
    """One of PATTERNS: which procedural texture the cycles renderer draws; raycast only hints at it."""
    color: tuple[float, float, float]
    """Base colour, linear RGB, 0 to 1."""
    accent: tuple[float, float, float]
    """Second colour of the pattern (grain, stripe, leaf vein), linear RGB."""
    scale: float = 0.3
    """Size of one repeat of the pattern, metres."""
    roughness: float = 0.6
    """0 mirror-like to 1 matt."""


PATTERNS = ("plain", "wood", "planks", "fabric", "plaster", "tiles", "stripes", "leather", "metal", "foliage",
            "picture", "books", "emissive", "glass", "mirror", "carpet", "stone")


@dataclass(frozen=True, eq=False)
class Part:
    """A closed or open triangle mesh of one material."""

    vertices: Array
    """(V, 3) world metres, tessellated so that no edge of an object's part is longer than about 0.1 m."""
    faces: Index
    """(F, 3), outward winding."""
    material: Material
    smooth: bool = False
    """Shade with smooth normals (turned and round parts)."""


@dataclass(frozen=True, eq=False)
class RoomObject:
    object_id: str
    label: str
    box: OrientedBox
    """Tight: the bounds of all parts along the object's own axes (yaw about Z)."""
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Light:
    """An area light (window daylight, ceiling lamp) or a point-like lamp."""

    position: tuple[float, float, float]
    direction: tuple[float, float, float]
    """Unit, where the light shines."""
    size: tuple[float, float]
    """Metres; (0, 0) is a small sphere lamp."""
    power: float
    """Watts, as Blender counts them."""
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Room:
    scene_id: str
    polygon: Array
    """(P, 2) floor outline, counter-clockwise, metres."""
    height: float
    shell: tuple[RoomObject, ...]
    """Floor, ceiling and walls (labels ``floor``, ``ceiling``, ``wall``), with openings for doors and windows."""
    objects: tuple[RoomObject, ...]
    """15 to 40 instances, doors and windows among them."""
    lights: tuple[Light, ...]
    frames: tuple[Frame, ...]
    """The walked path at human height, in walking order."""
