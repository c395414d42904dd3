"""The unified structure of a scene: image records and object records, linked both ways (SPAR, appendix 7.4)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from builders.errors import SceneError
from builders.scenes.scene import Frame, Scene, SceneObject
from builders.spar.keyframes import keyframes
from builders.spar.limits import Limits
from builders.spar.visibility import Observation, Observer


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """One kept frame and what can be asked about in it."""

    index: int
    frame: Frame
    objects: Mapping[str, Observation]
    """By object id: only objects that pass the visibility limits."""


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

    def label(self, object_id: str) -> str:
        return self.objects[object_id].item.label

    def frame(self, image: int) -> Frame:
        return self.images[image].frame


def build_record(scene: Scene, limits: Limits, video: bool = False) -> SceneRecord:
    """Keyframe the scene and observe every object in every keyframe.

    Args:
        video: also observe ``limits.video_frames`` frames evenly spread over the capture.

    Raises:
        SceneError: the scene has no object to ask about, or none is seen well enough in any keyframe.
    """
    still_frames = keyframes(scene.frames, limits.keyframe_translation, limits.keyframe_rotation)
    if limits.max_keyframes and len(still_frames) > limits.max_keyframes:
        still_frames = _spread(still_frames, limits.max_keyframes)
    filmed = video and len(scene.frames) >= limits.video_frames
    video_frames = _spread(scene.frames, limits.video_frames) if filmed else ()
    stills, videos = ({f.frame_id for f in chosen} for chosen in (still_frames, video_frames))
    kept = tuple(f for f in scene.frames if f.frame_id in stills | videos)
    asked = [o for o in scene.objects if not o.structural]
    if not asked:
        raise SceneError(f"scene {scene.scene_id}: no annotated object besides walls, floor and ceiling")
    observer = Observer(scene)
    unseen: Counter[str] = Counter()
    images = []
    for index, frame in enumerate(kept):
        visible = {}
        for observation in observer.observe(frame):
            reason = _too_little_to_ask(observation, limits)
            if reason:
                unseen[reason] += 1
            else:
                visible[observation.object_id] = observation
        images.append(ImageRecord(index, frame, visible))
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
        objects, "mesh", len(scene.frames), dict(unseen),
    )


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
