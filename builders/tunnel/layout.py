"""SpatialTunnel as geometry: a square corridor, two objects at fixed depths, each swept over 16 angles of the cross
section, so that height in the image and depth are decoupled (Why Far Looks Up, section 4 and appendix C.1).

Tunnel frame: metres, camera at the origin on the axis, x right, y UP, z forward; theta = 0 is right, 90 degrees up,
counter-clockwise as the camera sees it. Pixels: y down, centres at integers, as everywhere in Vantage.
"""

import math
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders import heuristic
from builders.errors import InputError
from builders.randomness import generator

Array = NDArray[np.float64]

ANGLES = 16
"""Positions of an object around the cross section, 22.5 degrees apart."""

COLORS = ("red", "green", "blue", "yellow", "cyan", "magenta", "black")
SHAPES = ("cube", "sphere")

_S = math.sin(math.pi / 8)
_C = math.cos(math.pi / 8)
_H = math.sqrt(0.5)
_SINES = (0.0, _S, _H, _C, 1.0, _C, _H, _S, 0.0, -_S, -_H, -_C, -1.0, -_C, -_H, -_S)
"""sin(22.5 k degrees) with exact zeros and exact symmetry: what ties in the drawing ties in the numbers."""


@dataclass(frozen=True)
class TunnelSettings:
    """Every parameter of the corridor; all go into the manifest. "Open": the paper does not print the value."""

    width: float = 2.0
    """Of the square cross section, metres (appendix C.1)."""
    length: float = 16.0
    """Metres from the camera to the end of the corridor (open)."""
    depth_far: float = 5.0
    """Metres from the camera plane to the centre of the farther object (open). 5, because then heights never nearly
    tie: whatever sizes are drawn, all cells but the four exact ties keep 1 % of the image height and their class. The
    price: the farther object, twice as large, looks larger in most scenes (17 of 20, size over depth)."""
    depth_near: float = 3.0
    """Metres from the camera plane to the centre of the nearer object (open)."""
    field_of_view: float = 60.0
    """Degrees, across the image (open)."""
    resolution: int = 512
    """Pixels along each side of the image (published images)."""
    margin: float = 0.03
    """Metres between an object and the wall (open)."""
    base_size_far: float = 0.2
    base_size_near: float = 0.1
    """Sphere radius and half cube edge, metres, before the scene's factor (appendix C.1; the meaning is open)."""
    max_size_factor: float = 1.5
    """Each object's size is multiplied by a factor drawn between 1 and this (appendix C.1)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value <= 0:
                raise InputError(f"{field.name}={value}: expected a number above 0")
        if not self.depth_near < self.depth_far < self.length:
            raise InputError(f"expected depth_near < depth_far < length, got {self.depth_near}, {self.depth_far}, "
                             f"{self.length}")
        if self.field_of_view >= 170 or self.max_size_factor < 1 or self.resolution < 32:
            raise InputError("expected field_of_view below 170, max_size_factor at least 1, resolution at least 32")
        for name, size, depth in (("far", self.base_size_far, self.depth_far),
                                  ("near", self.base_size_near, self.depth_near)):
            largest = size * self.max_size_factor
            if largest + self.margin >= self.width / 2:
                raise InputError(f"base_size_{name}: an object of {largest} m does not fit into half of {self.width} m")
            if self._half_image * (depth - largest) < self.width / 2:
                raise InputError(f"depth_{name}={depth}: at the walls the object would leave the image of "
                                 f"{self.field_of_view} degrees")
        if self.depth_near + self.max_size_factor * (self.base_size_near + self.base_size_far) > self.depth_far:
            raise InputError("depth_near and depth_far: the objects could touch")

    @property
    def _half_image(self) -> float:
        return math.tan(math.radians(self.field_of_view) / 2)

    @property
    def focal(self) -> float:
        """Pixels."""
        return self.resolution / 2 / self._half_image

    @property
    def middle(self) -> float:
        """Principal point, pixels, in both directions."""
        return (self.resolution - 1) / 2


@dataclass(frozen=True)
class TunnelObject:
    """A sphere, or a cube whose edges are parallel to the corridor's."""

    color: str
    shape: str
    size: float
    """Sphere radius, half cube edge, metres."""
    roughness: float
    """Of its surface, 0 to 1."""

    @property
    def name(self) -> str:
        """As questions call it."""
        return f"{self.color} {self.shape}"


@dataclass(frozen=True)
class TunnelScene:
    """What stays the same while the angles change."""

    scene_id: str
    far: TunnelObject
    near: TunnelObject
    sun_rotation: float
    """Radians about the vertical (appendix C.1: 1.25 pi to 1.75 pi)."""
    seed: int
    """Of the wall's texture and the render."""


@dataclass(frozen=True, eq=False)
class Placement:
    """Both objects of one cell."""

    far_center: Array
    """(3,) metres, tunnel frame."""
    near_center: Array
    """(3,) metres, tunnel frame."""
    far_box: tuple[float, float, float, float]
    """x1, y1, x2, y2 of the whole object's outline, pixels, unrounded."""
    near_box: tuple[float, float, float, float]
    """The same of the nearer object."""
    vertical_gap: float
    """Share of the image height by which the farther object stands higher."""
    heuristic: str
    """``consistent``, ``counter`` or ``ambiguous``."""


def draw_scene(scene_id: str, settings: TunnelSettings, key: tuple[str | int, ...],
               sizes: tuple[float, float] | None = None) -> TunnelScene:
    """A scene's objects and light, from a stable key.

    Args:
        key: what the random numbers depend on besides ``scene_id``: (dataset, version, seed).
        sizes: (far, near) instead of drawn ones, metres: the size sweep.
    """
    rng = generator(*key, scene_id, "scene")
    looks = list(product(COLORS, SHAPES))
    (far_color, far_shape), (near_color, near_shape) = (looks[i] for i in rng.permutation(len(looks))[:2])
    factors = rng.uniform(1, settings.max_size_factor, 2)
    roughness = rng.uniform(0.05, 1.0, 2)
    drawn = (settings.base_size_far * factors[0], settings.base_size_near * factors[1])
    far_size, near_size = sizes or (float(drawn[0]), float(drawn[1]))
    return TunnelScene(
        scene_id,
        TunnelObject(far_color, far_shape, far_size, float(roughness[0])),
        TunnelObject(near_color, near_shape, near_size, float(roughness[1])),
        float(rng.uniform(1.25, 1.75) * math.pi),
        int(rng.integers(2**31)),
    )


def direction(k: int) -> tuple[float, float]:
    """(x, y) of position ``k`` on the unit SQUARE: the ray at 22.5 k degrees, cut at the wall.

    Example:
        >>> direction(0), direction(2), direction(12)
        ((1.0, 0.0), (1.0, 1.0), (0.0, -1.0))
    """
    x, y = _SINES[(k + 4) % ANGLES], _SINES[k % ANGLES]
    reach = max(abs(x), abs(y))
    return x / reach, y / reach


def center_of(k: int, size: float, depth: float, settings: TunnelSettings) -> Array:
    """(3,) centre of an object of this size at position ``k``: as far out as the margin allows."""
    out = settings.width / 2 - size - settings.margin
    x, y = direction(k)
    return np.array([x * out, y * out, depth])


def place(scene: TunnelScene, cell: tuple[int, int], settings: TunnelSettings) -> Placement:
    """Both objects of a cell (k_far, k_near), with their boxes and the tag.

    Example:
        >>> scene = draw_scene("s", TunnelSettings(), ("doc", 0))
        >>> place(scene, (4, 12), TunnelSettings()).heuristic, place(scene, (12, 4), TunnelSettings()).heuristic
        ('consistent', 'counter')
    """
    centers = (center_of(cell[0], scene.far.size, settings.depth_far, settings),
               center_of(cell[1], scene.near.size, settings.depth_near, settings))
    far_box, near_box = (
        outline(item, center, settings) for item, center in zip((scene.far, scene.near), centers, strict=True)
    )
    gap = float(heuristic.vertical_gap(near_box, far_box, settings.resolution))
    return Placement(*centers, far_box, near_box, gap, heuristic.tag(gap, min_gap=0))


def outline(item: TunnelObject, center: Array, settings: TunnelSettings) -> tuple[float, float, float, float]:
    """x1, y1, x2, y2 in pixels of an object's projection, exact: of a sphere the bounds of its silhouette, of a cube
    those of its corners."""
    x, y, z = center.tolist()
    if item.shape == "sphere":
        left, right = _sphere_bounds(x, z, item.size)
        bottom, top = _sphere_bounds(y, z, item.size)
    else:
        depths = (z - item.size, z + item.size)
        left, right = (pick((x + side) / d for side in (-item.size, item.size) for d in depths) for pick in (min, max))
        bottom, top = (pick((y + side) / d for side in (-item.size, item.size) for d in depths) for pick in (min, max))
    focal, middle = settings.focal, settings.middle
    return middle + focal * left, middle - focal * top, middle + focal * right, middle - focal * bottom


def _sphere_bounds(offset: float, depth: float, radius: float) -> tuple[float, float]:
    """Smallest and largest slope, along one image axis, at which rays graze a sphere.

    Seen from the side, the two tangents from the camera to a circle: (depth^2 - r^2) s^2 - 2 offset depth s +
    offset^2 - r^2 = 0.
    """
    a = depth**2 - radius**2
    b = offset * depth
    root = math.sqrt(b**2 - a * (offset**2 - radius**2))
    return (b - root) / a, (b + root) / a


def visible_fractions(scene: TunnelScene, cell: tuple[int, int], settings: TunnelSettings) -> tuple[float, float]:
    """Share of each object's pixels that is not hidden: (far, near). The nearer one is never hidden."""
    place_ = place(scene, cell, settings)
    far = object_mask(scene.far, place_.far_center, settings)
    near = object_mask(scene.near, place_.near_center, settings)
    return float((far & ~near).sum() / far.sum()), 1.0


def object_mask(item: TunnelObject, center: Array, settings: TunnelSettings) -> NDArray[np.bool_]:
    """(resolution, resolution): the pixels whose centre's ray meets the object."""
    pixels = np.arange(settings.resolution)
    return meets(item, center, rays_through(pixels, pixels, settings))


def rays_through(columns: NDArray[Any], rows: NDArray[Any], settings: TunnelSettings) -> Array:
    """(len(rows), len(columns), 3) rays of depth 1 through points of the image, pixels, in the tunnel frame."""
    across = (columns - settings.middle) / settings.focal
    up = (settings.middle - rows) / settings.focal
    return np.stack([*np.meshgrid(across, up), np.ones((len(rows), len(columns)))], axis=-1)


def meets(item: TunnelObject, center: Array, rays: Array) -> NDArray[np.bool_]:
    """(...): whether rays (..., 3) from the camera meet the object."""
    if item.shape == "sphere":
        along = rays @ center
        return along**2 >= (rays**2).sum(axis=-1) * (center @ center - item.size**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        entry, leave = ((center + side * item.size * np.sign(rays)) / rays for side in (-1, 1))
    parallel = rays == 0
    inside = np.abs(center) <= item.size
    entry = np.where(parallel, np.where(inside, -np.inf, np.inf), entry)
    leave = np.where(parallel, np.where(inside, np.inf, -np.inf), leave)
    return entry.max(axis=-1) <= leave.min(axis=-1)


def theta(k: int) -> float:
    """Degrees of position ``k``."""
    return 22.5 * k


QUESTIONS = (
    ("T1", "Is the {far} closer to the camera than the {near}?", "No"),
    ("T2", "Is the {near} closer to the camera than the {far}?", "Yes"),
    ("T3", "Is the {near} farther from the camera than the {far}?", "No"),
    ("T4", "Is the {far} farther from the camera than the {near}?", "Yes"),
)
"""(template, question, answer); in the published order, obj1 being the farther object."""
