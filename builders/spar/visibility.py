"""What a camera sees of each object, by ray casting against the scan's mesh (SPAR, appendix 7.4). Sources without a
labelled mesh: ``visibility_bases``.

Two kinds of rays per frame:

* through pixel centres: which object each pixel shows, hence visible area and 2D box;
* to every object vertex inside the image: whether something is in front of it, hence the visible fraction. Of a hidden
  one, the pixel tells whether the object itself is in front, hence the fraction that nothing else hides.

The 2D box of the first kind is what is marked and asked; the second gives an independent box that must agree.

Of large pictures, a grid of about ``_GRID_ROWS`` rows of pixels gets rays first (every second pixel at 640x480), and
then every pixel of a cell whose four corners do not show one object, and of the cells beside it. The others show what
their corners show. So outlines are exact; what is thinner than a cell and touches no outline can be missed (about two
pixels in 10,000 of a scan).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from builders.scenes.scene import Array, Frame, Index, Scene
from builders.spar.geometry import camera_coordinates, pixel_rays, project
from builders.spar.markers import marker_radius

OCCLUSION_TOLERANCE = 0.02
"""A vertex is seen when the mesh is at most this far in front of it, metres (our default: the paper leaves it open)."""

NEAR = 0.05
"""Points closer to the camera plane than this are not projected, metres."""

_GRID_ROWS = 240
"""Objects worth asking about are many times wider than an image's height divided by this."""

_NOTHING = -2
"""What lies outside the image: no object of a ``Sight``, nor none."""


@dataclass(frozen=True, eq=False)
class Observation:
    """One object in one image."""

    object_id: str
    bbox: Array
    """(4,) x1, y1, x2, y2: outer edges of the visible pixels, in pixels."""
    vertex_bbox: Array
    """(4,) bounds of the projected visible vertices: the same box by another route, coarser by a mesh edge. (Without
    vertices: of points on the 3D box whose pixel shows the object.)"""
    area: float
    """Visible pixels / image pixels."""
    visible_fraction: float
    """Visible vertices / all vertices of the object. (Without vertices: visible pixels / pixels of the projected 3D
    box, be they in the image or not.)"""
    in_image_fraction: float
    """Vertices (or points on the 3D box) that project into the image / all, whether occluded or not."""
    center_camera: Array
    """(3,) centre of the 3D box in camera coordinates, metres."""
    center_pixel: Array
    """(2,) its projection; NaN where the centre is behind the camera."""
    center_on_object: bool
    """The ray through ``center_pixel`` (rounded to a pixel) first meets this object."""
    marker_cover: float
    """Share of a point marker's disc around ``center_pixel`` that shows this object."""
    outside_box: float = 0.0
    """Metres, at the depth of the object, by which visible pixels lie outside of the projected 3D box; 0 where a mesh
    tells what is visible, since its objects are where their vertices are."""
    unhidden_fraction: float = 1.0
    """Vertices in the image that nothing but the object itself hides / vertices in the image: about the share of its
    outline that other things leave to be seen. (1 without vertices: there ``visible_fraction`` is such a share.)"""


@dataclass(frozen=True, eq=False)
class Sight:
    """What the pixels of one frame show."""

    objects: NDArray[np.int32]
    """(height, width) index into ``Scene.objects``, -1 for none."""
    pixels: NDArray[np.int64]
    """(objects,) visible pixels of each."""
    rays: NDArray[np.float32]
    """(rows, columns, 6) those of the grid."""
    depth: NDArray[np.float32]
    """(rows, columns) at which they meet the mesh, metres; infinite where they do not."""

    @property
    def surface(self) -> NDArray[np.float32]:
        """(N, 2) where the rays of the grid meet the mesh, in plan, from the camera's centre; metres."""
        met = np.isfinite(self.depth)
        depth = self.depth[met]
        return np.stack([self.rays[..., axis][met] * depth for axis in (3, 4)]).T


class FrameObserver(Protocol):
    """What every visibility basis gives."""

    def look(self, frame: Frame) -> Sight:
        """Which object each pixel shows."""
        ...

    def observe(self, frame: Frame, sight: Sight) -> list[Observation]:
        """Every non-structural object of which something is visible."""
        ...


class Observer:
    """Casts rays into one scene. Building it costs the ray accelerator once; the methods are called per frame."""

    def __init__(self, scene: Scene):
        import open3d as o3d

        self._tensor = o3d.core.Tensor.from_numpy  # shares memory
        self._caster = o3d.t.geometry.RaycastingScene()
        self._caster.add_triangles(
            o3d.core.Tensor(scene.mesh.vertices.astype(np.float32)), o3d.core.Tensor(scene.mesh.faces.astype(np.uint32))
        )
        self._objects = scene.objects
        self._asked = np.array([i for i, o in enumerate(scene.objects) if not o.structural], np.int64)
        self._centers = np.array([scene.objects[i].box.center for i in self._asked]).reshape(-1, 3)
        vertex_lists = [scene.objects[i].vertex_ids for i in self._asked]
        self._vertex_owner = np.repeat(np.arange(len(vertex_lists)), [len(v) for v in vertex_lists])
        # (3, N): numpy is slow along an axis of three
        self._vertices = scene.mesh.vertices[np.concatenate(vertex_lists) if vertex_lists else []].T.copy()
        # a miss is the largest unsigned value; the extra last entry maps it to -1
        self._face_object = np.append(face_objects(scene), np.int32(-1))

    def look(self, frame: Frame) -> Sight:
        """Which object each pixel shows, see the module docstring."""
        step = max(1, frame.height // _GRID_ROWS)
        columns, rows = np.arange(0, frame.width, step), np.arange(0, frame.height, step)
        grid, rays, depth = self._cast(frame, columns[None], rows[:, None])
        beside = np.pad(grid, (0, 1), constant_values=_NOTHING)
        mixed = (grid != beside[1:, :-1]) | (grid != beside[:-1, 1:]) | (grid != beside[1:, 1:])
        unsure = _with_neighbours(mixed)
        u, v = _pixels_off_the_grid(unsure, step, frame)
        traced, _, _ = self._cast(frame, u, v)
        shown = grid.repeat(step, axis=1).repeat(step, axis=0)[: frame.height, : frame.width]
        shown[v, u] = traced
        # a cell at the right or lower border, of which the image may hold a part, is always unsure
        pixels = step**2 * self._counted(grid[~unsure]) + self._counted(grid[unsure]) + self._counted(traced)
        return Sight(shown, pixels, rays, depth)

    def observe(self, frame: Frame, sight: Sight) -> list[Observation]:
        """Every non-structural object with at least one visible pixel and one visible vertex."""
        slices = ndimage.find_objects(sight.objects + 1, max_label=len(self._objects))
        count = len(self._asked)
        owner, uv, inside, seen = self._visible_vertices(frame, sight.pixels[self._asked] > 0)
        hidden = self._hidden_by_others(sight, owner, uv, inside & ~seen)
        everything, projected, visible, covered = (
            np.bincount(owners, minlength=count) for owners in (owner, owner[inside], owner[seen], owner[hidden]))
        present = np.flatnonzero(visible)
        # the vertices of an object are neighbours, so that its bounds are a reduction over one stretch
        starts = np.cumsum(visible)[present] - visible[present]
        shown = uv.compress(seen, axis=1)
        low, high = (reduce.reduceat(shown, starts, axis=1) if len(present) else shown
                     for reduce in (np.minimum, np.maximum))
        centers = camera_coordinates(self._centers, frame)
        return [
            observed(self._objects[number].object_id, number, frame, sight, slices[number], center, bounds, *fractions)
            for number, center, bounds, *fractions in zip(
                self._asked[present].tolist(), centers[present], np.concatenate([low, high]).T,
                (visible[present] / everything[present]).tolist(), (projected[present] / everything[present]).tolist(),
                (1 - covered[present] / projected[present]).tolist(), strict=True)
        ]

    def _visible_vertices(
        self, frame: Frame, wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], Array, NDArray[np.bool_], NDArray[np.bool_]]:
        """Of the vertices of the wanted objects, in the stored order: place of the object in ``_asked`` (N,),
        projection (2, N), inside the image (N,), visible (N,)."""
        taken = np.flatnonzero(wanted[self._vertex_owner])
        toward = self._vertices.take(taken, axis=1) - frame.center[:, None]
        camera = frame.world_from_camera[:3, :3].T @ toward
        with np.errstate(divide="ignore", invalid="ignore"):
            homogeneous = frame.intrinsics @ camera
            uv = homogeneous[:2] / homogeneous[2]
            (u, v), (right, bottom) = uv, (frame.width - 0.5, frame.height - 0.5)
            inside = (camera[2] > NEAR) & (u >= -0.5) & (u <= right) & (v >= -0.5) & (v <= bottom)
        toward = toward.compress(inside, axis=1)
        rays = np.empty((toward.shape[1], 6), dtype=np.float32)
        rays[:, :3] = frame.center
        # of the length at which something in front hides the vertex
        rays[:, 3:] = (toward * (1 - OCCLUSION_TOLERANCE / np.linalg.norm(toward, axis=0))).T
        seen = np.zeros(len(taken), dtype=bool)
        seen[inside] = ~self._hidden(rays)
        return self._vertex_owner[taken], uv, inside, seen

    def _hidden_by_others(
        self, sight: Sight, owner: NDArray[np.int64], uv: Array, behind: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Of the vertices that have something in front of them (``behind``), those whose pixel shows anything but their
        own object; the other arguments as ``_visible_vertices`` gives them."""
        places = np.flatnonzero(behind)
        u, v = np.rint(uv[:, places]).astype(np.int64)
        height, width = sight.objects.shape
        shown = sight.objects[np.minimum(v, height - 1), np.minimum(u, width - 1)]
        return places[shown != self._asked[owner[places]]]

    def _hidden(self, rays: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(N,) whether something lies on the way of rays (N, 6), origin and whole way."""
        return self._caster.test_occlusions(self._tensor(rays), tfar=1.0).numpy()

    def _cast(
        self, frame: Frame, u: Index, v: Index
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """Of pixels (u, v): (...) index of the object they show, -1 for none; (..., 6) their rays; (...) the depth at
        which these meet the mesh."""
        rays = pixel_rays(u, v, frame)
        hits = self._first_hits(rays)
        return self._face_object.take(hits["primitive_ids"].numpy(), mode="clip"), rays, hits["t_hit"].numpy()

    def _counted(self, shown: NDArray[np.int32]) -> NDArray[np.int64]:
        """(objects,) how often each occurs."""
        return np.bincount(shown + 1, minlength=len(self._objects) + 1)[1:]

    def _first_hits(self, rays: NDArray[np.float32]) -> dict:
        return self._caster.cast_rays(self._tensor(rays))


def observed(
    object_id: str, number: int, frame: Frame, sight: Sight, place: tuple[slice, slice], center: Array, bounds: Array,
    visible_fraction: float, in_image_fraction: float, unhidden_fraction: float = 1.0, outside_box: float = 0.0,
) -> Observation:
    """The observation of one object, with what pixels alone tell of it.

    Args:
        number: its index in ``sight.objects``.
        place: rows and columns that hold all of its pixels.
        center: (3,) of its 3D box, camera metres.
        bounds: see ``Observation.vertex_bbox``.
    """
    rows, columns = place
    pixel = project(center, frame.intrinsics) if center[2] > NEAR else np.full(2, np.nan)
    middle, disc = _around(sight.objects, pixel)
    return Observation(
        object_id=object_id,
        bbox=np.array([columns.start, rows.start, columns.stop, rows.stop], dtype=float) - 0.5,
        vertex_bbox=bounds,
        area=float(sight.pixels[number] / sight.objects.size),
        visible_fraction=visible_fraction,
        in_image_fraction=in_image_fraction,
        center_camera=center,
        center_pixel=pixel,
        center_on_object=middle == number,
        marker_cover=float((disc == number).mean()) if len(disc) else 0.0,
        unhidden_fraction=unhidden_fraction,
        outside_box=outside_box,
    )


def face_objects(scene: Scene) -> NDArray[np.int32]:
    """(F,) index of the object a face belongs to (at least two of its vertices), -1 for none.

    Where objects share vertices, the smallest box wins: a cushion annotated as part of its sofa is still a cushion.
    """
    owner = np.full(len(scene.mesh.vertices), -1, dtype=np.int32)
    by_size = sorted(range(len(scene.objects)), key=lambda i: -float(np.prod(scene.objects[i].box.extents)))
    for i in by_size:
        owner[scene.objects[i].vertex_ids] = i
    a, b, c = owner[scene.mesh.faces].T
    return np.where((a == b) | (a == c), a, np.where(b == c, b, -1)).astype(np.int32)


def _with_neighbours(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Also the cells above, below, left and right of those that are set."""
    wide = np.pad(cells, 1)
    return cells | wide[2:, 1:-1] | wide[:-2, 1:-1] | wide[1:-1, 2:] | wide[1:-1, :-2]


def _pixels_off_the_grid(cells: NDArray[np.bool_], step: int, frame: Frame) -> tuple[Index, Index]:
    """u, v of all pixels of the cells that are set, but the first of each, which has had its ray."""
    down, right = np.divmod(np.arange(1, step**2)[:, None], step)
    rows, columns = np.nonzero(cells)
    v, u = (rows * step + down).ravel(), (columns * step + right).ravel()
    kept = (v < frame.height) & (u < frame.width)
    return u[kept], v[kept]


def _around(image: NDArray[np.int32], pixel: Array) -> tuple[int, NDArray[np.int32]]:
    """The value at a pixel position (-1 outside the image), and the values under a point marker drawn there."""
    height, width = image.shape
    x, y = np.rint(pixel).tolist()
    if not (0 <= y < height and 0 <= x < width):  # nor if not a number
        return -1, image[:0, 0]
    u, v, radius = int(x), int(y), marker_radius(width, height)
    top, left, reach = max(v - int(radius), 0), max(u - int(radius), 0), int(radius) + 1
    window = image[top : v + reach, left : u + reach]
    down, right = np.arange(top - v, top - v + len(window))[:, None], np.arange(left - u, left - u + window.shape[1])
    return int(image[v, u]), window[down**2 + right**2 <= radius**2]
