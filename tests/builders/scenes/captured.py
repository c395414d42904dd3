"""A procedural room as if it had been scanned, and what makes two scenes the same: for round trips through layouts."""

from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from builders.scenes.procedural.source import ProceduralSource
from builders.scenes.scene import Scene
from tests.builders.toy import flat_jpeg, toy_room

DEPTH_SIZE = (320, 240)


@dataclass(frozen=True)
class Captured:
    """A scene whose objects are numbered and whose frames are called 0, 1, ..., with its pictures."""

    scene: Scene
    color: tuple[bytes, ...]
    """JPEG of each frame."""
    depth: tuple[np.ndarray, ...]
    """uint16, millimetres, at ``DEPTH_SIZE``: every second row and column, beginning with the first."""

    @property
    def depth_intrinsics(self):
        """Worked out from the camera: pixel (u, v) of the depth map is pixel (2u, 2v) of the picture."""
        intrinsics = self.scene.frames[0].intrinsics.copy()
        intrinsics[:2] /= 2
        return intrinsics


@cache
def captured_room(room="room_000003", frames=3) -> Captured:
    source = ProceduralSource(renderer="raycast")
    made = source.load(room)
    chosen = made.frames[:: len(made.frames) // frames][:frames]
    color = tuple(source.read_color(made, frame) for frame in chosen)
    depth = tuple(np.asarray(Image.open(BytesIO(source.read_depth(made, frame))))[::2, ::2].astype(np.uint16)
                  for frame in chosen)
    objects = tuple(replace(item, object_id=str(i)) for i, item in enumerate(made.objects))
    posed = tuple(replace(frame, frame_id=str(i), depth_intrinsics=None) for i, frame in enumerate(chosen))
    scene = replace(made, scene_id="scene0001_00", objects=objects, frames=posed, instructions=())
    return Captured(scene, color, depth)


def captured_boxes(frames=3) -> Captured:
    """The toy room as if it had been scanned: a small mesh, for tests that read it often."""
    toy = toy_room(frames=frames)
    posed = tuple(replace(frame, frame_id=str(i)) for i, frame in enumerate(toy.frames))
    color = tuple(flat_jpeg(frame.width, frame.height, i) for i, frame in enumerate(posed))
    depth = tuple(np.full(DEPTH_SIZE[::-1], 1500 + i, np.uint16) for i in range(frames))
    return Captured(replace(toy, frames=posed), color, depth)


def assert_same(read: Scene, written: Scene, name=str, boxes=True):
    """Mesh, instances and cameras agree to the precision of the files.

    Args:
        name: what the layout calls a frame of ``written``.
        boxes: the layout has boxes.
    """
    np.testing.assert_allclose(read.mesh.vertices, written.mesh.vertices, atol=2e-6)
    np.testing.assert_array_equal(read.mesh.faces, written.mesh.faces)
    assert [(o.object_id, o.label, o.structural) for o in read.objects] == [
        (o.object_id, o.label, o.structural) for o in written.objects]
    for a, b in zip(read.objects, written.objects, strict=True):
        np.testing.assert_array_equal(a.vertex_ids, b.vertex_ids)
        if boxes:
            np.testing.assert_allclose(a.box.center, b.box.center, atol=1e-9)
            np.testing.assert_allclose(a.box.axes, b.box.axes, atol=1e-9)
            np.testing.assert_allclose(a.box.extents, b.box.extents, atol=1e-9)
    assert [f.frame_id for f in read.frames] == [name(f.frame_id) for f in written.frames]
    for a, b in zip(read.frames, written.frames, strict=True):
        assert (a.width, a.height) == (b.width, b.height)
        np.testing.assert_allclose(a.intrinsics, b.intrinsics, atol=1e-4)
        np.testing.assert_allclose(a.world_from_camera, b.world_from_camera, atol=2e-6)


def assert_boxes_tight(scene: Scene, written: Scene):
    """For layouts without boxes: upright, touching the outermost vertices, no larger than the box of the written."""
    for item, known in zip(scene.objects, written.objects, strict=True):
        box, points = item.box, scene.mesh.vertices[item.vertex_ids]
        reach = (points - box.center) @ box.axes.T
        np.testing.assert_allclose(reach.max(axis=0), box.extents / 2, atol=1e-6)
        np.testing.assert_allclose(reach.min(axis=0), -box.extents / 2, atol=1e-6)
        assert abs(box.axes[2, 2]) > 1 - 1e-9
        assert np.prod(box.extents) <= np.prod(known.box.extents) + 1e-6
