"""The one typed 3D scene every source converts into; nothing downstream knows where a scene came from.

Frames and units, everywhere in Vantage:

* World: metres, right-handed, +Z up (against gravity).
* Camera: OpenCV axes, x right, y down, z forward; ``world_from_camera`` maps camera to world coordinates.
* Pixels: centres at integers, so that pixel (0, 0) covers [-0.5, 0.5] x [-0.5, 0.5].
* Boxes: centre, axes as unit ROWS, FULL edge lengths.

Arrays are made read-only on construction: a scene never changes after loading.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from builders.scenes.hashed_split import VALIDATION_SHARE

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_UNIT = np.eye(3)
_CORNER_SIGNS = np.array(list(product((-0.5, 0.5), repeat=3)))


def _frozen(value: object, dtype: type, shape: tuple[int | None, ...], name: str) -> NDArray:
    """A read-only copy of ``value`` with the given dtype; ``None`` in ``shape`` admits any length."""
    array: NDArray = np.array(value, dtype=dtype)
    if array.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, array.shape)):
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name}: holds NaN or infinite values")
    array.flags.writeable = False
    return array


def _orthonormal(axes: Array, tolerance: float) -> bool:
    """Of (3, 3) finite rows."""
    return bool(np.abs(axes @ axes.T - _UNIT).max() <= tolerance)


@dataclass(frozen=True, eq=False)
class OrientedBox:
    """A box in world coordinates.

    Raises ``ValueError`` for non-finite values, axes that are not orthonormal, or an extent that is not positive.
    """

    center: Array
    """(3,) metres."""
    axes: Array
    """(3, 3) unit rows; row i is the direction of ``extents[i]``."""
    extents: Array
    """(3,) full edge lengths in metres, all positive."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", _frozen(self.center, np.float64, (3,), "box center"))
        object.__setattr__(self, "axes", _frozen(self.axes, np.float64, (3, 3), "box axes"))
        object.__setattr__(self, "extents", _frozen(self.extents, np.float64, (3,), "box extents"))
        if not _orthonormal(self.axes, 1e-4):
            raise ValueError("box axes: rows are not orthonormal")
        if not (self.extents > 0).all():
            raise ValueError(f"box extents: expected three positive lengths, got {self.extents.tolist()}")

    def corners(self) -> Array:
        """(8, 3) corners in world coordinates."""
        return self.center + (_CORNER_SIGNS * self.extents) @ self.axes

    def overlaps(self, other: "OrientedBox") -> bool:
        """Whether the two boxes share interior points (separating-axis test on 15 axes; touching is no overlap)."""
        crosses = np.cross(self.axes[:, None], other.axes[None]).reshape(-1, 3)
        candidates = np.concatenate([self.axes, other.axes, crosses[np.linalg.norm(crosses, axis=1) > 1e-8]])
        reach = np.abs(candidates @ self.axes.T) @ self.extents + np.abs(candidates @ other.axes.T) @ other.extents
        apart = np.abs(candidates @ (other.center - self.center))
        return bool((apart < reach / 2 - 1e-9).all())


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh in world coordinates."""

    vertices: Array
    """(V, 3) metres."""
    faces: Index
    """(F, 3) vertex indices."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", _frozen(self.vertices, np.float64, (None, 3), "mesh vertices"))
        object.__setattr__(self, "faces", _frozen(self.faces, np.int64, (None, 3), "mesh faces"))
        if len(self.faces) and (self.faces.min() < 0 or self.faces.max() >= len(self.vertices)):
            raise ValueError("mesh faces: a vertex index lies outside the vertex list")


NO_MESH = Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
"""Of sources that ship none."""


@dataclass(frozen=True, eq=False)
class SceneObject:
    """One annotated instance."""

    object_id: str
    """The source's own id, unique within the scene."""
    label: str
    """The source's category name, lower case, words separated by spaces."""
    box: OrientedBox
    vertex_ids: Index = field(default_factory=lambda: np.zeros(0, np.int64))
    """(N,) indices into the mesh's vertices, where these are labelled; a vertex may belong to several objects."""
    structural: bool = False
    """Walls, floors, ceilings, and whatever else a build excludes: they occlude, but are never asked about."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertex_ids", _frozen(self.vertex_ids, np.int64, (None,), "vertex_ids"))


@dataclass(frozen=True, eq=False)
class Frame:
    """One posed picture; its pixels are read through the source, only when needed."""

    frame_id: str
    """The source's name of the frame, unique within the scene."""
    width: int
    height: int
    intrinsics: Array
    """(3, 3) of the colour image at ``width`` x ``height``, pixels."""
    world_from_camera: Array
    """(4, 4) rigid, metres."""
    depth_intrinsics: Array | None = None
    """(3, 3) of the depth map, pixels; None where the source has none."""

    def __post_init__(self) -> None:
        for name in ("intrinsics", "depth_intrinsics"):
            given = getattr(self, name)
            if given is None and name == "depth_intrinsics":
                continue
            matrix = _frozen(given, np.float64, (3, 3), name)
            if min(matrix[0, 0], matrix[1, 1]) <= 0 or matrix[1, 0] != 0 or list(matrix[2]) != [0, 0, 1]:
                raise ValueError(f"{name}: expected positive focal lengths, zeros below them and a last row of 0 0 1")
            object.__setattr__(self, name, matrix)
        pose = _frozen(self.world_from_camera, np.float64, (4, 4), "world_from_camera")
        object.__setattr__(self, "world_from_camera", pose)
        if not _orthonormal(pose[:3, :3], 1e-3) or np.linalg.det(pose[:3, :3]) < 0:
            raise ValueError("world_from_camera: the upper left 3x3 block is not a rotation")

    @property
    def center(self) -> Array:
        """(3,) camera centre in world coordinates."""
        return self.world_from_camera[:3, 3]


class FrameMaps(Protocol):
    """What a source knows of its pictures pixel by pixel, read when asked for. ``SceneError`` for a broken file."""

    def instances(self, frame: Frame) -> NDArray[np.int32] | None:
        """(height, width) index into ``Scene.objects``, -1 for none; None where the source has no such maps."""
        ...

    def depth(self, frame: Frame) -> NDArray[np.float32] | None:
        """(height, width) metres along the optical axis of the colour camera, infinite where nothing was measured;
        None where the frame has none."""
        ...


@dataclass(frozen=True, eq=False)
class Room:
    """One room of a dwelling, for sources that part their scenes into rooms."""

    frame_ids: tuple[str, ...]
    """The frames taken in it."""
    polygon: Array
    """(P, 2) its floor in plan, metres; (0, 2) where it is not known."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "polygon", _frozen(self.polygon, np.float64, (None, 2), "room polygon"))


@dataclass(frozen=True)
class Claim:
    """What one direction word of an instruction says about the camera's path; the words are kept in the text alone."""

    kind: str
    """``turn``: which way the gaze turns from the first frame to the last. ``move``: which way the camera moves, as
    it sees that itself at every moment. ``side``: where an object is for the camera of the last frame."""
    frame_ids: tuple[str, str]
    """First and last frame of the stretch."""
    object_id: str = ""
    """The landmark of a ``side``."""


@dataclass(frozen=True)
class Instruction:
    """How to walk a stretch of the capture, in words."""

    text: str
    frame_ids: tuple[str, ...]
    """The frames of the walk, in order."""
    claims: tuple[Claim, ...] = ()
    """One for each direction word of the text, in order; empty where the source has the text only."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A scan: geometry, instances and posed frames."""

    source: str
    scene_id: str
    mesh: Mesh
    objects: tuple[SceneObject, ...]
    frames: tuple[Frame, ...]
    dropped: Mapping[str, int] = field(default_factory=dict)
    """What the reader left out, by reason (for example ``frames_without_pose``); goes into the manifest."""
    instructions: tuple[Instruction, ...] = ()
    """Walks in words, for sources that have them."""
    visibility_basis: str = "mesh"
    """What tells which objects a frame shows, a name of ``builders.spar.visibility_bases``: ``mesh`` with labelled
    vertices, ``box_depth`` (a mesh and boxes), ``instance_map``, ``depth_map`` (``maps`` and boxes), ``boxes``."""
    maps: FrameMaps | None = None
    """For the bases that need maps."""
    rooms: tuple[Room, ...] = ()
    """For sources that know the rooms of a scene."""

    def __post_init__(self) -> None:
        for what, names in (("object_id", [o.object_id for o in self.objects]),
                            ("frame_id", [f.frame_id for f in self.frames])):
            if len(set(names)) != len(names):
                raise ValueError(f"{what}: not unique within scene {self.scene_id}")
        known = {f.frame_id for f in self.frames}
        if any(not known.issuperset(instruction.frame_ids) for instruction in self.instructions):
            raise ValueError(f"instructions: a frame that scene {self.scene_id} lacks")


@dataclass(frozen=True)
class Glance:
    """What a scene holds, as far as a look at its files tells, without reading them all."""

    frames: int
    """Pictures, those without a usable pose included."""
    objects: int
    """Annotated instances, walls and floors included."""
    has_depth: bool
    missing: tuple[str, ...] = ()
    """Files without which the scene cannot be loaded, as a scene of the source calls them."""


class SceneSource(Protocol):
    """Where scenes come from: one class per on-disk layout (or generator).

    Construct it with the root folder; construction checks that the root is of this layout and raises
    ``InputError`` otherwise. ``load`` raises ``SceneError`` for a scene that cannot be used.
    """

    name: str
    """The registry name, written to the ``source`` column."""
    redistributable: bool
    """Whether pixels may be passed on to others (``--pixels auto`` embeds only those)."""
    licence: str
    """One sentence for the dataset card."""
    default_scenes: int | None
    """How many scenes a build takes when none are asked for; None takes all."""

    def scene_ids(self) -> list[str]:
        """All scenes under the root, in natural order."""
        ...

    split_rule: str
    """How ``split`` decides, one sentence for the manifest."""

    def split(self, scene_id: str, validation_share: float = VALIDATION_SHARE) -> str:
        """``train``, ``validation`` or ``test``: by the official lists, or where none names the scene, by
        ``hashed_split``.

        Args:
            validation_share: of the scenes that no list names.
        """
        ...

    def fingerprint(self, scene_id: str) -> str:
        """A cheap hash that changes when the scene's input changes; a part is rebuilt when it does."""
        ...

    def glance(self, scene_id: str) -> Glance:
        """What ``scripts/build.py describe`` tells of the scene; ``SceneError`` where even that cannot be read."""
        ...

    def load(self, scene_id: str) -> Scene:
        """The scene, without pixels."""
        ...

    def read_color(self, scene: Scene, frame: Frame) -> bytes:
        """The encoded colour image (JPEG or PNG) as stored, ``frame.width`` x ``frame.height``."""
        ...

    def read_depth(self, scene: Scene, frame: Frame) -> bytes | None:
        """The depth map as a 16-bit PNG: millimetres along the optical axis, 0 where nothing was measured. Its camera
        is ``frame.depth_intrinsics``. None where the source has none."""
        ...
