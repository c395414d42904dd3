"""What a camera sees of each object, by ray casting against the scan's mesh (SPAR, appendix 7.4).

Two kinds of rays per frame:

* one through every pixel centre: which object that pixel shows, hence visible area and 2D box;
* one to every object vertex inside the image: whether something is in front of it, hence the visible fraction.

The 2D box of the first kind is what is marked and asked; the second gives an independent box that must agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from builders.scenes.scene import Array, Frame, Scene
from builders.spar.geometry import camera_coordinates, pixel_grid, project, ray_directions
from builders.spar.markers import marker_radius

OCCLUSION_TOLERANCE = 0.02
"""A vertex is seen when the mesh is at most this far in front of it, metres (our default: the paper leaves it open)."""

_NEAR = 0.05
"""Points closer to the camera plane than this are not projected, metres."""


@dataclass(frozen=True, eq=False)
class Observation:
    """One object in one image."""

    object_id: str
    bbox: Array
    """(4,) x1, y1, x2, y2: outer edges of the visible pixels, in pixels."""
    vertex_bbox: Array
    """(4,) bounds of the projected visible vertices: the same box by another route, coarser by a mesh edge."""
    area: float
    """Visible pixels / image pixels."""
    visible_fraction: float
    """Visible vertices / all vertices of the object."""
    in_image_fraction: float
    """Vertices that project into the image / all vertices, whether occluded or not."""
    center_camera: Array
    """(3,) centre of the 3D box in camera coordinates, metres."""
    center_pixel: Array
    """(2,) its projection; NaN where the centre is behind the camera."""
    center_on_object: bool
    """The ray through ``center_pixel`` (rounded to a pixel) first meets this object."""
    marker_cover: float
    """Share of a point marker's disc around ``center_pixel`` that shows this object."""


class Observer:
    """Casts rays into one scene. Building it costs the ray accelerator once; ``observe`` is called per frame."""

    def __init__(self, scene: Scene):
        import open3d as o3d

        self._tensor = o3d.core.Tensor
        self._caster = o3d.t.geometry.RaycastingScene()
        self._caster.add_triangles(
            o3d.core.Tensor(scene.mesh.vertices.astype(np.float32)), o3d.core.Tensor(scene.mesh.faces.astype(np.uint32))
        )
        self._vertices = scene.mesh.vertices
        self._objects = scene.objects
        self._asked = [i for i, o in enumerate(scene.objects) if not o.structural]
        vertex_lists = [scene.objects[i].vertex_ids for i in self._asked]
        self._vertex_ids = np.concatenate(vertex_lists) if vertex_lists else np.zeros(0, np.int64)
        self._vertex_owner = np.repeat(self._asked, [len(v) for v in vertex_lists]).astype(np.int64)
        self._face_object = face_objects(scene)

    def object_map(self, frame: Frame) -> NDArray[np.int32]:
        """(height, width) index into ``scene.objects`` of what each pixel shows, -1 for none."""
        directions = ray_directions(pixel_grid(frame.width, frame.height), frame)
        faces = self._cast(frame, directions.reshape(-1, 3))["primitive_ids"].numpy()
        # a miss is the largest unsigned value; the extra last entry of the table maps it to -1
        table = np.append(self._face_object, np.int32(-1))
        return table[np.minimum(faces, len(table) - 1)].reshape(frame.height, frame.width)

    def seen_points(self, frame: Frame, every: int) -> Array:
        """(N, 3) where the rays of every ``every``-th row and column of pixels meet the mesh, world metres."""
        directions = ray_directions(pixel_grid(frame.width, frame.height)[::every, ::every], frame).reshape(-1, 3)
        depth = self._cast(frame, directions)["t_hit"].numpy().astype(float)
        met = np.isfinite(depth)
        return frame.center + directions[met] * depth[met, None]

    def observe(self, frame: Frame, shown: NDArray[np.int32] | None = None) -> list[Observation]:
        """Every non-structural object with at least one visible pixel and one visible vertex.

        Args:
            shown: the frame's ``object_map``, if it is known already.
        """
        shown = self.object_map(frame) if shown is None else shown
        slices = ndimage.find_objects(shown + 1, max_label=len(self._objects))
        pixels = np.bincount(shown.ravel() + 1, minlength=len(self._objects) + 1)[1:]
        uv, inside, seen = self._visible_vertices(frame)
        observations = []
        for i in self._asked:
            mine = self._vertex_owner == i
            if slices[i] is None or not seen[mine].any():
                continue
            rows, columns = slices[i]
            item = self._objects[i]
            center = camera_coordinates(item.box.center, frame)
            pixel = project(center, frame.intrinsics) if center[2] > _NEAR else np.full(2, np.nan)
            middle, disc = _around(shown, pixel)
            bounds = uv[mine & seen]
            observations.append(
                Observation(
                    object_id=item.object_id,
                    bbox=np.array([columns.start, rows.start, columns.stop, rows.stop], dtype=float) - 0.5,
                    vertex_bbox=np.concatenate([bounds.min(axis=0), bounds.max(axis=0)]),
                    area=float(pixels[i] / shown.size),
                    visible_fraction=float(seen[mine].mean()),
                    in_image_fraction=float(inside[mine].mean()),
                    center_camera=center,
                    center_pixel=pixel,
                    center_on_object=middle == i,
                    marker_cover=float((disc == i).mean()) if len(disc) else 0.0,
                )
            )
        return observations

    def _visible_vertices(self, frame: Frame) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
        """Projection (N, 2), inside the image (N,), visible (N,) of the objects' vertices, in the stored order."""
        points = self._vertices[self._vertex_ids]
        camera = camera_coordinates(points, frame)
        inside = camera[:, 2] > _NEAR
        uv = np.full((len(points), 2), np.nan)
        uv[inside] = project(camera[inside], frame.intrinsics)
        with np.errstate(invalid="ignore"):
            inside &= ((uv >= -0.5) & (uv <= (frame.width - 0.5, frame.height - 0.5))).all(axis=1)
        rays = points[inside] - frame.center
        distance = np.linalg.norm(rays, axis=1)
        hit = self._cast(frame, rays / distance[:, None])["t_hit"].numpy()
        seen = np.zeros(len(points), dtype=bool)
        seen[inside] = hit >= distance - OCCLUSION_TOLERANCE
        return uv, inside, seen

    def _cast(self, frame: Frame, directions: Array) -> dict:
        rays = np.empty((len(directions), 6), dtype=np.float32)
        rays[:, :3] = frame.center
        rays[:, 3:] = directions
        return self._caster.cast_rays(self._tensor(rays))


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


def _around(image: NDArray[np.int32], pixel: Array) -> tuple[int, NDArray[np.int32]]:
    """The value at a pixel position (-1 outside the image), and the values under a point marker drawn there."""
    if not np.isfinite(pixel).all():
        return -1, image[:0, 0]
    height, width = image.shape
    u, v = np.rint(pixel).astype(int)
    if not (0 <= v < height and 0 <= u < width):
        return -1, image[:0, 0]
    radius = marker_radius(width, height)
    reach = int(radius)
    rows = np.arange(max(v - reach, 0), min(v + reach + 1, height))[:, None]
    columns = np.arange(max(u - reach, 0), min(u + reach + 1, width))
    window = image[rows, columns]
    return int(image[v, u]), window[(rows - v) ** 2 + (columns - u) ** 2 <= radius**2]
