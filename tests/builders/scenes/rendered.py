"""A procedural room as layouts with pixel maps hold it, and what two scenes without a mesh must share."""

from dataclasses import replace
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from builders.scenes.procedural.source import ProceduralSource
from builders.scenes.scene import NO_MESH, Scene
from builders.spar.visibility import Observer
from tests.builders.scenes.write_structured3d import Rendered


@cache
def rendered_room(room="room_000001", frames=4) -> Rendered:
    """With its mesh; frames are called 0, 1, ..."""
    source = ProceduralSource(renderer="raycast")
    made = source.load(room)
    observer = Observer(made)
    chosen = [made.frames[i] for i in np.linspace(0, len(made.frames) - 1, frames).round().astype(int)]
    color, depth = ([np.asarray(Image.open(BytesIO(read(made, frame)))) for frame in chosen]
                    for read in (source.read_color, source.read_depth))
    posed = tuple(replace(frame, frame_id=str(i)) for i, frame in enumerate(chosen))
    return Rendered(
        replace(made, frames=posed, instructions=()), tuple(color), tuple(observer.look(f).objects for f in chosen),
        tuple(d.astype(np.uint16) for d in depth), source.room(room).polygon,
    )


def assert_same_boxes_and_cameras(read: Scene, written: Scene, atol=2e-6):
    """Objects, their boxes and frames in order; labels, ids and cameras, to the precision of the files."""
    assert read.mesh is NO_MESH or len(read.mesh.vertices) == len(written.mesh.vertices)
    assert [(o.object_id, o.label, o.structural) for o in read.objects] == [
        (o.object_id, o.label, o.structural) for o in written.objects]
    for a, b in zip(read.objects, written.objects, strict=True):
        np.testing.assert_allclose(a.box.center, b.box.center, atol=1e-9)
        np.testing.assert_allclose(a.box.axes, b.box.axes, atol=1e-9)
        np.testing.assert_allclose(a.box.extents, b.box.extents, atol=1e-9)
    assert [f.frame_id for f in read.frames] == [f.frame_id for f in written.frames]
    for a, b in zip(read.frames, written.frames, strict=True):
        assert (a.width, a.height) == (b.width, b.height)
        np.testing.assert_allclose(a.intrinsics, b.intrinsics, atol=1e-4)
        np.testing.assert_allclose(a.world_from_camera, b.world_from_camera, atol=atol)
