"""What each source can tell of visibility, behind one interface: ``Scene.visibility_basis`` names the way.

* ``mesh``: labelled vertices; rays (``visibility``).
* ``box_depth``: a mesh without labels, and boxes (ARKitScenes): an object's vertices are those inside its box, up to
  ``box_margin``; then as ``mesh``.
* ``instance_map``: pictures that say which object each pixel shows (Structured3D), and boxes.
* ``depth_map``: pictures with depth, and boxes: a pixel shows the box that its surface lies in, up to ``box_margin``.
* ``boxes``: boxes alone, drawn in the order of their depth.

The last three are ``MapObserver``; their visible fraction is a share of the box's outline, which things that do not
fill their boxes never reach. So bases have thresholds of their own: ``Limits.min_visible``, ``Limits.min_measured``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from builders.scenes.boxes import inside
from builders.scenes.scene import Scene
from builders.spar.limits import Limits
from builders.spar.map_visibility import DrawnBoxes, GivenMaps, MapObserver, SurfacesInBoxes
from builders.spar.visibility import FrameObserver, Observer


def observer_of(scene: Scene, limits: Limits) -> FrameObserver:
    """What observes the scene, by its own basis."""
    return BASES[scene.visibility_basis](scene, limits)


def with_vertices_in_boxes(scene: Scene, margin: float) -> Scene:
    """The scene with every mesh vertex inside an object's box, or at most ``margin`` metres from it, as the object's
    own; not those below it, which are of the floor or of the table that it stands on."""
    vertices = scene.mesh.vertices
    return replace(scene, objects=tuple(
        replace(item, vertex_ids=np.flatnonzero(inside(item.box, vertices, margin))) for item in scene.objects))


def _mesh(scene: Scene, limits: Limits) -> FrameObserver:
    return Observer(scene)


def _box_depth(scene: Scene, limits: Limits) -> FrameObserver:
    return Observer(with_vertices_in_boxes(scene, limits.box_margin))


def _instance_map(scene: Scene, limits: Limits) -> FrameObserver:
    return MapObserver(scene, GivenMaps(scene))


def _depth_map(scene: Scene, limits: Limits) -> FrameObserver:
    return MapObserver(scene, SurfacesInBoxes(scene, limits.box_margin))


def _boxes(scene: Scene, limits: Limits) -> FrameObserver:
    return MapObserver(scene, DrawnBoxes(scene))


BASES: Mapping[str, Callable[[Scene, Limits], FrameObserver]] = {
    "mesh": _mesh, "box_depth": _box_depth, "instance_map": _instance_map, "depth_map": _depth_map, "boxes": _boxes,
}
"""Name of a basis -> what makes its observer."""
