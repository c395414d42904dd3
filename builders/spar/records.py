"""The unified structure of a scene: image records and object records, linked both ways (SPAR, appendix 7.4)."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from builders.errors import SceneError
from builders.scenes.scene import Array, Frame, Instruction, Scene, SceneObject
from builders.spar.area import outline_area, thinned
from builders.spar.keyframes import keyframes
from builders.spar.labels import EXCLUDED_LABELS, with_asked_labels
from builders.spar.limits import Limits
from builders.spar.visibility import Observation, Observer

_FOOTPRINT_EVERY = 2
"""Rays for the footprint go through every second pixel of every second row."""
_COARSE_VOXEL, _COARSE_RADIUS = 0.1, 0.5
"""Metres; a modelled wall or floor has vertices this far apart."""


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """One kept frame and what can be asked about in it."""

    index: int
    frame: Frame
    objects: Mapping[str, Observation]
    """By object id: only objects that pass the visibility limits."""
    glimpsed: Mapping[str, float] = field(default_factory=dict)
    """Visible pixels / image pixels by object id, of everything with at least one visible pixel."""


@dataclass(frozen=True, eq=False)
class ObjectRecord:
    """One instance and the images that show it."""

    item: SceneObject
    images: tuple[int, ...]
    """Indices into ``SceneRecord.images``."""


@dataclass(frozen=True, eq=False)
class SceneRecord:
    """A scene as the tasks see it."""

    source: str
    scene_id: str
    images: tuple[ImageRecord, ...]
    """In capture order: every frame that some question may show."""
    stills: tuple[int, ...]
    """Indices into ``images`` of the keyframes, from which single-view and multi-view questions choose."""
    video: tuple[int, ...]
    """Indices into ``images`` of the frames of a video question; empty if the scene has fewer frames, or none was
    asked for."""
    objects: Mapping[str, ObjectRecord]
    """By object id; objects that no image shows have an empty list of images."""
    visibility_basis: str
    """How visible fractions were measured: ``mesh``, ``instance_map`` or ``box_depth``."""
    frames_read: int
    """Posed frames before keyframing."""
    unseen: Mapping[str, int]
    """Observations that failed a visibility limit, by reason."""
    footprint: Array = field(default_factory=lambda: np.zeros((0, 2)))
    """(N, 2) voxel centres, in plan, of every surface that the frames of ``video`` show; metres."""
    plan_area: float = 0.0
    """Square metres that the whole mesh covers in plan, coarsely; 0 without a video."""
    instructions: tuple[Instruction, ...] = ()
    """Walks in words, if the source has them and a video was asked for."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """What the reader or the labels left out, by reason."""

    def label(self, object_id: str) -> str:
        return self.objects[object_id].item.label

    def frame(self, image: int) -> Frame:
        return self.images[image].frame


def build_record(
    scene: Scene, limits: Limits, video: bool = False, excluded_labels: Collection[str] = frozenset(EXCLUDED_LABELS)
) -> SceneRecord:
    """Keyframe the scene and observe every object in every keyframe.

    Args:
        video: also observe ``limits.video_frames`` frames evenly spread over the capture, and those of instructions.
        excluded_labels: objects called so occlude, and are not asked about.

    Raises:
        SceneError: the scene has no object to ask about, or none is seen well enough in any keyframe.
    """
    scene = with_asked_labels(scene, excluded_labels)
    still_frames = keyframes(scene.frames, limits.keyframe_translation, limits.keyframe_rotation)
    if limits.max_keyframes and len(still_frames) > limits.max_keyframes:
        still_frames = _spread(still_frames, limits.max_keyframes)
    filmed = video and len(scene.frames) >= limits.video_frames
    video_frames = _spread(scene.frames, limits.video_frames) if filmed else ()
    stills, videos = ({f.frame_id for f in chosen} for chosen in (still_frames, video_frames))
    instructions = scene.instructions if video else ()
    walked = {frame_id for instruction in instructions for frame_id in instruction.frame_ids}
    kept = tuple(f for f in scene.frames if f.frame_id in stills | videos | walked)
    asked = [o for o in scene.objects if not o.structural]
    if not asked:
        raise SceneError(f"scene {scene.scene_id}: no annotated object besides walls, floor, ceiling and excluded "
                         "labels")
    observer = Observer(scene)
    unseen: Counter[str] = Counter()
    images = []
    for index, frame in enumerate(kept):
        visible = {}
        shown = observer.object_map(frame)
        for observation in observer.observe(frame, shown):
            reason = _too_little_to_ask(observation, limits)
            if reason:
                unseen[reason] += 1
            else:
                visible[observation.object_id] = observation
        images.append(ImageRecord(index, frame, visible, _areas(shown, scene.objects)))
    objects = {
        o.object_id: ObjectRecord(o, tuple(i.index for i in images if o.object_id in i.objects)) for o in asked
    }
    if not any(o.images for o in objects.values()):
        raise SceneError(f"scene {scene.scene_id}: none of its {len(asked)} objects is visible enough in any of "
                         f"{len(kept)} frames; check that poses and mesh share one frame")
    return SceneRecord(
        scene.source, scene.scene_id, tuple(images),
        tuple(i for i, f in enumerate(kept) if f.frame_id in stills),
        tuple(i for i, f in enumerate(kept) if f.frame_id in videos),
        objects, "mesh", len(scene.frames), dict(unseen), _footprint(observer, video_frames, limits),
        outline_area(thinned(scene.mesh.vertices[:, :2], _COARSE_VOXEL), _COARSE_RADIUS) if filmed else 0.0,
        instructions,
        scene.dropped,
    )


def _areas(shown: NDArray[np.int32], objects: tuple[SceneObject, ...]) -> dict[str, float]:
    """Visible share of the image of every object with a visible pixel, structural ones left out."""
    pixels = np.bincount(shown.ravel() + 1, minlength=len(objects) + 1)[1:]
    return {o.object_id: float(n / shown.size) for o, n in zip(objects, pixels) if n and not o.structural}


def _footprint(observer: Observer, frames: tuple[Frame, ...], limits: Limits) -> Array:
    """What the frames show of the scene, in plan: only surfaces that some camera sees, so that neither the back of a
    wall nor the floor slab below it makes a modelled room larger than a scanned one."""
    if not frames:
        return np.zeros((0, 2))
    points = (thinned(observer.seen_points(f, _FOOTPRINT_EVERY)[:, :2], limits.room_voxel) for f in frames)
    return thinned(np.concatenate(list(points)), limits.room_voxel)


def _spread(frames: tuple[Frame, ...], count: int) -> tuple[Frame, ...]:
    """``count`` of the frames, from first to last at even steps."""
    return tuple(frames[i] for i in np.linspace(0, len(frames) - 1, count).round().astype(int))


def _too_little_to_ask(seen: Observation, limits: Limits) -> str | None:
    if not limits.min_depth <= seen.center_camera[2] <= limits.max_depth:
        return "depth_out_of_range"
    if seen.area < limits.min_area:
        return "too_small"
    if seen.in_image_fraction < limits.min_in_image_fraction:
        return "cut_off"
    if seen.visible_fraction < limits.min_visible_fraction:
        return "too_occluded"
    return None
