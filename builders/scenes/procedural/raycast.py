"""Pictures of a procedural room by ray casting: Lambert shading, hard shadows, a hint of each material's pattern.

A tenth of a second per picture, the same bytes on every run; for tests, previews and machines without Blender.
Needs open3d (extra ``geometry``).
"""

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.scenes.procedural.hints import HINTED, pattern_hint
from builders.scenes.procedural.lighting import SKY_COLOR, light_powers
from builders.scenes.procedural.room import Light, Material, Part, Room
from builders.scenes.procedural.texture_coordinates import texture_coordinates
from builders.scenes.scene import Frame

Floats = NDArray[np.float32]

_AMBIENT = 0.45
"""Light from everywhere, as a fraction of full brightness, on a face that looks up."""
_LIGHTS = 6
"""So many of a room's strongest lights count."""
_SHADOW_LIGHTS = 2
"""So many of these cast shadows; the others only brighten."""
_LIGHT_CLEARANCE = 0.35
"""What stands this near to a light, metres, casts no shadow: its own shade, the window's frame."""
_RAYS_AT_ONCE = 1 << 15
"""Few enough for the working arrays to stay in the processor's cache."""
_SURFACE_OFFSET = 2e-3
"""Shadow rays start this far off the surface, metres."""

_SRGB = np.arange(4096) / 4095
_SRGB = np.where(_SRGB <= 0.0031308, 12.92 * _SRGB, 1.055 * _SRGB ** (1 / 2.4) - 0.055)
_SRGB_FROM_LINEAR = np.round(255 * _SRGB).astype(np.uint8)
"""(4096,) sRGB level of a linear value in steps of 1/4095."""


@dataclass(frozen=True, eq=False)
class _Geometry:
    """All triangles of a room in one casting scene, with what shading needs per triangle (T) and corner."""

    casting: Any
    normals: Floats
    """(T, 3, 3) unit, outward, at the corners."""
    solid: Floats
    surface: Floats
    piece: Floats
    material: NDArray[np.int64]
    """(T,) index into ``materials``."""
    materials: tuple[Material, ...]


_built: tuple["weakref.ref[Room]", _Geometry] | None = None
"""The last room and its geometry."""


def render(room: Room, frame: Frame) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB picture of ``room`` seen from ``frame``; one ray through the centre of each pixel."""
    geometry = _geometry(room)
    directions = _ray_directions(frame)
    levels = np.empty(directions.shape, dtype=np.uint8)
    for start in range(0, len(directions), _RAYS_AT_ONCE):
        band = slice(start, start + _RAYS_AT_ONCE)
        levels[band] = _render_rays(room, geometry, frame.center.astype(np.float32), directions[band])
    return levels.reshape(frame.height, frame.width, 3)


def depth(room: Room, frame: Frame) -> NDArray[np.uint16]:
    """(H, W) uint16 millimetres along the optical axis to the first surface, 0 where there is none."""
    directions = _ray_directions(frame)  # they reach depth 1, so that a hit's parameter is its depth
    origin = np.broadcast_to(frame.center.astype(np.float32), directions.shape)
    hits = _cast(_geometry(room).casting, origin, directions)["t_hit"]
    millimetres = np.where(np.isfinite(hits), np.round(1000 * hits), 0)
    return np.clip(millimetres, 0, 65535).astype(np.uint16).reshape(frame.height, frame.width)


def _geometry(room: Room) -> _Geometry:
    global _built
    if _built is None or _built[0]() is not room:
        _built = weakref.ref(room), _build(room)
    return _built[1]


def _render_rays(room: Room, geometry: _Geometry, origin: Floats, directions: Floats) -> NDArray[np.uint8]:
    """(N, 3) sRGB levels seen along the rays."""
    hits = _cast(geometry.casting, np.broadcast_to(origin, directions.shape), directions)
    seen = np.flatnonzero(np.isfinite(hits["t_hit"]))
    image = np.empty(directions.shape, dtype=np.float32)
    image[:] = SKY_COLOR
    rays = np.ascontiguousarray(directions[seen].T)
    points = origin[:, None] + hits["t_hit"][seen] * rays
    image[seen] = _shade(room, geometry, hits["primitive_ids"][seen], hits["primitive_uvs"][seen], points, rays)
    return _SRGB_FROM_LINEAR[(np.clip(image, 0, 1) * 4095 + 0.5).astype(np.int16)]


def _ray_directions(frame: Frame) -> Floats:
    """(H*W, 3) world directions through pixel centres, row by row, reaching depth 1."""
    across, down = np.arange(frame.width), np.arange(frame.height)
    column = frame.world_from_camera[:3, :3] @ np.linalg.inv(frame.intrinsics)
    rays = column[:, 0] * across[None, :, None] + column[:, 1] * down[:, None, None] + column[:, 2]
    return rays.reshape(-1, 3).astype(np.float32)


def _cast(casting: Any, origins: Floats, directions: Floats) -> dict[str, NDArray]:
    import open3d

    rays = open3d.core.Tensor.from_numpy(np.concatenate([origins, directions], axis=1))
    return {name: values.numpy() for name, values in casting.cast_rays(rays).items()}


def _shade(room: Room, geometry: _Geometry, triangle: NDArray, uv: Floats, points: Floats, rays: Floats) -> Floats:
    """(N, 3) linear colour of the hits at ``points`` (3, N), seen along ``rays`` (3, N)."""
    weights = np.stack([1 - uv[:, 0] - uv[:, 1], uv[:, 0], uv[:, 1]], axis=1)
    normal = np.ascontiguousarray(_at_hits(geometry.normals, triangle, weights).T)
    normal *= -np.sign(_dot(normal, rays)) / np.maximum(np.sqrt(_dot(normal, normal)), 1e-6)

    color, glows, clear = _colors(geometry, triangle, weights)
    light = np.repeat((_AMBIENT * (0.8 + 0.2 * normal[2]))[:, None], 3, axis=1)
    strongest = sorted(zip(room.lights, light_powers(room)), key=lambda lit: -lit[1])[:_LIGHTS]
    for rank, (lamp, power) in enumerate(strongest):
        received = _received(lamp, power, points, normal, geometry.casting if rank < _SHADOW_LIGHTS else None)
        light += received[:, None] * np.array(lamp.color, dtype=np.float32)
    light[glows] = 1.0
    shaded = color * light
    shaded[clear] = 0.25 * shaded[clear] + 0.75 * np.array(SKY_COLOR, dtype=np.float32)
    return shaded


def _dot(a: Floats, b: Floats) -> Floats:
    """(N,) products of the columns of two (3, N) arrays, added in a fixed order so that pictures repeat bit for bit."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _at_hits(corner_values: Floats, triangle: NDArray, weights: Floats) -> Floats:
    """(N, D) values (T, 3, D) interpolated between the corners of the hit triangles."""
    values = corner_values[triangle, 0] * weights[:, :1]
    values += corner_values[triangle, 1] * weights[:, 1:2]
    values += corner_values[triangle, 2] * weights[:, 2:]
    return values


def _colors(geometry: _Geometry, triangle: NDArray, weights: Floats) -> tuple[Floats, NDArray, NDArray]:
    """(N, 3) colour of the hits, and which of them glow or are glass, (N,) bool each."""
    owner = geometry.material[triangle]
    base = np.array([m.color for m in geometry.materials], dtype=np.float32)
    accent = np.array([m.accent for m in geometry.materials], dtype=np.float32)
    patterns = np.array([m.pattern for m in geometry.materials])
    color = base[owner]
    for number in np.flatnonzero(np.isin(patterns, HINTED) & (np.bincount(owner, minlength=len(patterns)) > 0)):
        here = np.flatnonzero(owner == number)
        hit, weight = triangle[here], weights[here]
        hint = pattern_hint(geometry.materials[number], _at_hits(geometry.solid, hit, weight),
                            _at_hits(geometry.surface, hit, weight), geometry.piece[hit])
        color[here] += hint[:, None] * (accent[number] - base[number])
    glows, clear = np.equal(patterns, "emissive"), np.equal(patterns, "glass")
    return color, glows[owner], clear[owner]


def _received(lamp: Light, power: float, points: Floats, normal: Floats, casting: Any | None) -> Floats:
    """(N,) light that ``lamp`` sheds with ``power`` watts on ``points`` (3, N); with ``casting`` also shadows."""
    toward = np.array(lamp.position, dtype=np.float32)[:, None] - points
    squared = _dot(toward, toward)
    distance = np.sqrt(squared)
    softened = distance * (squared + np.float32(0.25 * lamp.size[0] * lamp.size[1]))
    received = np.maximum(_dot(toward, normal), 0) / np.maximum(softened, 1e-6)
    if min(lamp.size) > 0:
        backward = -np.array(lamp.direction, dtype=np.float32)
        received *= np.maximum(_dot(toward, backward), 0) / np.maximum(distance, 1e-6)
    received *= np.float32(power / np.pi ** 2)
    received /= 1 + received
    if casting is not None:
        lit = np.flatnonzero(received > 1e-3)
        origins = points[:, lit] + np.float32(_SURFACE_OFFSET) * normal[:, lit]
        reach = np.maximum(1 - np.float32(_LIGHT_CLEARANCE) / np.maximum(distance[lit], 1e-6), 1e-3)
        received[lit] *= ~_blocked(casting, origins, toward[:, lit] * reach)
    return received


def _blocked(casting: Any, origins: Floats, segments: Floats) -> NDArray[np.bool_]:
    """(N,) whether anything lies on the ``segments`` (3, N) that start at ``origins`` (3, N)."""
    import open3d

    rays = open3d.core.Tensor.from_numpy(np.ascontiguousarray(np.concatenate([origins, segments]).T))
    return casting.test_occlusions(rays, tfar=1.0).numpy()


def _build(room: Room) -> _Geometry:
    import open3d

    owned = [(thing, part) for thing in room.shell + room.objects for part in thing.parts]
    where = [texture_coordinates(part, thing.box) for thing, part in owned]
    materials = tuple(dict.fromkeys(part.material for _, part in owned))
    number = {material: index for index, material in enumerate(materials)}
    corners = np.concatenate([part.vertices[part.faces] for _, part in owned]).astype(np.float32)
    casting = open3d.t.geometry.RaycastingScene()
    casting.add_triangles(open3d.core.Tensor.from_numpy(corners.reshape(-1, 3)),
                          open3d.core.Tensor.from_numpy(np.arange(3 * len(corners), dtype=np.uint32).reshape(-1, 3)))
    return _Geometry(
        casting=casting,
        normals=np.concatenate([_corner_normals(part) for _, part in owned]),
        solid=np.concatenate([w.solid for w in where]).astype(np.float32),
        surface=np.concatenate([w.surface for w in where]).astype(np.float32),
        piece=np.concatenate([w.piece for w in where]).astype(np.float32),
        material=np.concatenate([np.full(len(part.faces), number[part.material]) for _, part in owned]),
        materials=materials)


def _corner_normals(part: Part) -> Floats:
    """(F, 3, 3) normals at the face corners: the face's own, or averaged over the faces around a vertex if smooth."""
    a, b, c = (part.vertices[part.faces[:, corner]] for corner in range(3))
    facing = np.cross(b - a, c - a)
    if part.smooth:
        summed = np.zeros_like(part.vertices)
        for corner in range(3):
            np.add.at(summed, part.faces[:, corner], facing)
        normals = summed[part.faces]
    else:
        normals = np.repeat(facing[:, None], 3, axis=1)
    return (normals / np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)).astype(np.float32)
