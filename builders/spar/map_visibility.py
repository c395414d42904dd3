"""What a camera sees of each object, where a map of the picture says which object each pixel shows. The map comes with
the source, or is made from depth and boxes, or drawn from boxes alone.

Map and boxes are two accounts of one thing, and are held against each other: points on the 3D box whose pixel shows the
object give the 2D box a second time, and pixels far outside the projected box are reported (``outside_box``).
"""

from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from builders.errors import SceneError
from builders.scenes.boxes import inside
from builders.scenes.scene import Array, Frame, OrientedBox, Scene
from builders.spar.geometry import camera_coordinates, pixel_rays, project
from builders.spar.visibility import NEAR, Observation, Sight, observed

_SAMPLES = 24
"""Points on a box are this many steps apart along each edge: a decimetre for the largest furniture."""

_SURFACE_STEP = 4
"""Every so many pixels and rows of a depth map are a point of the room's surface."""

_EDGES = np.array([(a, b) for a in range(8) for b in range(a) if (a ^ b).bit_count() == 1])
"""(12, 2) corners of ``OrientedBox.corners`` that an edge joins: they differ in one sign."""


class PixelMaps(Protocol):
    """Which object each pixel of a frame shows, and how deep it is."""

    def of(self, frame: Frame) -> tuple[NDArray[np.int32], NDArray[np.float32] | None]:
        """(height, width) index into ``Scene.objects``, -1 for none; (height, width) metres, infinite for none."""
        ...


class GivenMaps:
    """The source's own instance maps."""

    def __init__(self, scene: Scene):
        self._scene = scene

    def of(self, frame: Frame) -> tuple[NDArray[np.int32], NDArray[np.float32] | None]:
        maps = self._scene.maps
        shown = maps.instances(frame) if maps else None
        if maps is None or shown is None:
            raise SceneError(f"{self._scene.scene_id}: frame {frame.frame_id} has no instance map")
        return shown, maps.depth(frame)


class SurfacesInBoxes:
    """A pixel shows the smallest box that its surface lies in, or at most a margin away from; not from below, where
    boxes stand on something else."""

    def __init__(self, scene: Scene, margin: float):
        self._scene, self._margin = scene, margin

    def of(self, frame: Frame) -> tuple[NDArray[np.int32], NDArray[np.float32] | None]:
        depth = self._scene.maps.depth(frame) if self._scene.maps else None
        if depth is None:
            raise SceneError(f"{self._scene.scene_id}: frame {frame.frame_id} has no depth map")
        shown = np.full(depth.shape, -1, np.int32)
        for number in largest_first(self._scene):
            box = self._scene.objects[number].box
            window = _window(box, frame, self._margin)
            rays = _rays(frame, window)
            met = depth[window]
            hit = np.isfinite(met)
            points = frame.center + rays[hit] * met[hit, None]
            held = np.zeros(met.shape, bool)
            held[hit] = inside(box, points, self._margin)
            shown[window][held] = number
        return shown, depth


class DrawnBoxes:
    """Boxes drawn as if solid, the nearest in front; a thing whose centre lies inside a larger box (a cushion, a book
    in its shelf) is in front of that box."""

    def __init__(self, scene: Scene):
        self._scene = scene
        self._order = largest_first(scene)
        self._holders = {
            number: [other for other in self._order[:place]
                     if inside(scene.objects[other].box, scene.objects[number].box.center[None])[0]]
            for place, number in enumerate(self._order)
        }

    def of(self, frame: Frame) -> tuple[NDArray[np.int32], NDArray[np.float32] | None]:
        size = frame.height, frame.width
        shown, nearest = np.full(size, -1, np.int32), np.full(size, np.inf, np.float32)
        entries: dict[int, NDArray[np.float32]] = {}
        holding = {holder for holders in self._holders.values() for holder in holders}
        for number in self._order:
            box = self._scene.objects[number].box
            window = _window(box, frame)
            entry = _entry_depth(box, frame, window)
            if number in holding:
                entries[number] = np.full(size, np.inf, np.float32)
                entries[number][window] = entry
            hit = np.isfinite(entry)
            for holder in self._holders[number]:
                entry = np.where(hit, np.minimum(entry, entries[holder][window]), entry)
            front = hit & (entry <= nearest[window])
            shown[window][front] = number
            nearest[window][front] = entry[front]
        return shown, None


class MapObserver:
    """Reads a map per frame; see the module docstring."""

    def __init__(self, scene: Scene, maps: PixelMaps):
        self._maps = maps
        self._objects = scene.objects
        self._asked = np.array([i for i, o in enumerate(scene.objects) if not o.structural], np.int64)
        boxes = [scene.objects[i].box for i in self._asked]
        self._centers = np.array([box.center for box in boxes]).reshape(-1, 3)
        self._corners = np.array([box.corners() for box in boxes]).reshape(-1, 8, 3)
        self._surfaces = np.array([_points_on(box) for box in boxes], np.float32)

    def look(self, frame: Frame) -> Sight:
        """Which object each pixel shows, and, where there is depth, where the room's surface is."""
        shown, depth = self._maps.of(frame)
        if shown.shape != (frame.height, frame.width):
            raise SceneError(f"frame {frame.frame_id}: its map has {shown.shape[1]}x{shown.shape[0]} pixels, its "
                             f"picture {frame.width}x{frame.height}")
        pixels = np.bincount(shown.ravel() + 1, minlength=len(self._objects) + 1)[1:]
        if depth is None:
            return Sight(shown, pixels, np.zeros((0, 0, 6), np.float32), np.zeros((0, 0), np.float32))
        columns, rows = (np.arange(0, side, _SURFACE_STEP) for side in (frame.width, frame.height))
        rays = pixel_rays(columns[None], rows[:, None], frame)
        return Sight(shown, pixels, rays, depth[::_SURFACE_STEP, ::_SURFACE_STEP])

    def observe(self, frame: Frame, sight: Sight) -> list[Observation]:
        """Every non-structural object with a visible pixel, at which its box is."""
        slices = ndimage.find_objects(sight.objects + 1, max_label=len(self._objects))
        present = np.flatnonzero(sight.pixels[self._asked] > 0)
        outlines = [shapely.MultiPoint(_in_front(self._corners[i], frame)).convex_hull for i in present.tolist()]
        centers = camera_coordinates(self._centers[present], frame)
        found = []
        for asked, center, outline in zip(present.tolist(), centers, outlines, strict=True):
            number = int(self._asked[asked])
            camera = camera_coordinates(self._surfaces[asked], frame)
            in_front = camera[:, 2] > NEAR
            uv = project(camera[in_front], frame.intrinsics)
            u, v = np.rint(uv).astype(np.int64).T
            within = (u >= 0) & (u < frame.width) & (v >= 0) & (v < frame.height)
            on_it = within.copy()
            on_it[within] = sight.objects[v[within], u[within]] == number
            if not on_it.any() or not outline.area:
                continue
            bounds = np.concatenate([uv[on_it].min(axis=0), uv[on_it].max(axis=0)])
            rows, columns = slices[number]
            pixel_box = np.array([columns.start, rows.start, columns.stop, rows.stop]) - 0.5
            out = np.maximum(np.array(outline.bounds) - pixel_box, 0)[:2].max(initial=0.0)
            out = max(out, np.maximum(pixel_box - np.array(outline.bounds), 0)[2:].max(initial=0.0))
            found.append(observed(
                self._objects[number].object_id, number, frame, sight, slices[number], center, bounds,
                min(1.0, float(sight.pixels[number] / outline.area)), float(within.sum() / len(camera)),
                outside_box=float(out * max(center[2], NEAR) / frame.intrinsics[0, 0]),
            ))
        return found


def largest_first(scene: Scene) -> list[int]:
    """Indices of the objects by the volume of their boxes: where several claim a pixel, the smallest has it."""
    return sorted(range(len(scene.objects)), key=lambda i: -float(np.prod(scene.objects[i].box.extents)))


def _points_on(box: OrientedBox) -> Array:
    """(N, 3) points on the surface of a box, at even steps on each face."""
    steps = np.linspace(-0.5, 0.5, _SAMPLES + 1)
    s, t = (grid.ravel() for grid in np.meshgrid(steps, steps))
    faces = [np.insert(np.stack([s, t], axis=1), axis, side, axis=1) for axis in range(3) for side in (-0.5, 0.5)]
    return box.center + (np.concatenate(faces) * box.extents) @ box.axes


def _in_front(corners: Array, frame: Frame) -> Array:
    """(N, 2) pixels whose hull is the outline of a box with these corners (8, 3), cut off at the camera's plane; (0, 2)
    behind it."""
    camera = camera_coordinates(corners, frame)
    a, b = camera[_EDGES[:, 0]], camera[_EDGES[:, 1]]
    cut = (a[:, 2] > NEAR) != (b[:, 2] > NEAR)
    share = (NEAR - a[cut, 2:]) / (b[cut, 2:] - a[cut, 2:])
    return project(np.concatenate([camera[camera[:, 2] > NEAR], a[cut] + share * (b[cut] - a[cut])]), frame.intrinsics)


def _window(box: OrientedBox, frame: Frame, margin: float = 0.0) -> tuple[slice, slice]:
    """Rows and columns of the picture that can show the box, made larger by ``margin`` metres on each side."""
    outline = _in_front(OrientedBox(box.center, box.axes, box.extents + 2 * margin).corners(), frame)
    if not len(outline):
        return slice(0, 0), slice(0, 0)
    (left, top), (right, bottom) = np.floor(outline.min(axis=0)), np.ceil(outline.max(axis=0)) + 1
    return (slice(int(np.clip(top, 0, frame.height)), int(np.clip(bottom, 0, frame.height))),
            slice(int(np.clip(left, 0, frame.width)), int(np.clip(right, 0, frame.width))))


def _rays(frame: Frame, window: tuple[slice, slice]) -> NDArray[np.float32]:
    """(rows, columns, 3) directions of camera depth 1 through the pixels of a window, in the world."""
    rows, columns = (np.arange(part.start, part.stop) for part in window)
    return pixel_rays(columns[None], rows[:, None], frame)[..., 3:]


def _entry_depth(box: OrientedBox, frame: Frame, window: tuple[slice, slice]) -> NDArray[np.float32]:
    """(rows, columns) depth at which rays of a window enter the box; infinite where they miss it or start in it."""
    half = (box.extents / 2).astype(np.float32)
    origin = (box.axes @ (frame.center - box.center)).astype(np.float32)
    rays = _rays(frame, window)
    entry, leaving = (np.full(rays.shape[:2], limit, np.float32) for limit in (-np.inf, np.inf))
    with np.errstate(divide="ignore", invalid="ignore"):
        for axis in range(3):
            per_depth = 1 / (rays @ box.axes[axis].astype(np.float32))
            one, other = (-half[axis] - origin[axis]) * per_depth, (half[axis] - origin[axis]) * per_depth
            entry = np.fmax(entry, np.minimum(one, other))
            leaving = np.fmin(leaving, np.maximum(one, other))
    return np.where((entry <= leaving) & (entry > 0), entry, np.float32(np.inf))
