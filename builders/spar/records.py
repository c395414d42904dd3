"""The unified structure of a scene: image records and object records, linked both ways (SPAR, appendix 7.4)."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely

from builders.errors import SceneError
from builders.scenes.boxes import axis_aligned_box
from builders.scenes.scene import Array, Frame, Instruction, OrientedBox, Room, Scene, SceneObject
from builders.spar.area import outline_area, thinned
from builders.spar.geometry import iou, points_to_px1000
from builders.spar.keyframes import keyframes, spread
from builders.spar.labels import EXCLUDED_LABELS, with_asked_labels
from builders.spar.limits import Limits
from builders.spar.visibility import Observation, Sight
from builders.spar.visibility_bases import observer_of

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

    @cached_property
    def camera_from_world(self) -> Array:
        """(4, 4) inverse pose."""
        return np.linalg.inv(self.frame.world_from_camera)

    @cached_property
    def points_px1000(self) -> Mapping[str, list[int]]:
        """u, v of the centres that can be seen, on the 0-1000 scale."""
        seen = {name: o.center_pixel for name, o in self.objects.items() if o.center_on_object}
        pixels = np.array(list(seen.values())).reshape(-1, 2)
        return dict(zip(seen, points_to_px1000(pixels, self.frame.width, self.frame.height).tolist(), strict=True))

    @cached_property
    def boxes_px1000(self) -> Mapping[str, list[int]]:
        """x1, y1, x2, y2 of the 2D boxes, on the 0-1000 scale."""
        edges = np.array([seen.bbox for seen in self.objects.values()]).reshape(-1, 2, 2)
        boxes = points_to_px1000(edges, self.frame.width, self.frame.height).reshape(-1, 4)
        return dict(zip(self.objects, boxes.tolist(), strict=True))

    @cached_property
    def box_iou(self) -> Mapping[tuple[str, str], float]:
        """Of the 2D boxes of each two objects, both ways round."""
        names = list(self.objects)
        boxes = np.array([self.objects[name].bbox for name in names]).reshape(-1, 4)
        shares = iou(boxes[:, None], boxes).tolist()
        return {(a, b): share for a, row in zip(names, shares) for b, share in zip(names, row)}


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
    """How visible fractions were measured, see ``visibility_bases``."""
    frames_read: int
    """Posed frames before keyframing."""
    unseen: Mapping[str, int]
    """Observations that failed a visibility limit, by reason."""
    footprint: Array = field(default_factory=lambda: np.zeros((0, 2)))
    """(N, 2) voxel centres, in plan, of every surface that the frames of ``video`` show; metres. Only what some camera
    sees: neither the back of a wall nor the slab below the floor makes a modelled room larger than a scanned one."""
    plan_area: float = 0.0
    """Square metres that the whole mesh covers in plan, coarsely, or those of ``room``; 0 without a video, and where
    nothing tells."""
    room: Array | None = None
    """(P, 2) plan of the room that the video shows, metres, if the source knows it; ``footprint`` then lies in it."""
    instructions: tuple[Instruction, ...] = ()
    """Walks in words, if the source has them and a video was asked for."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """What the reader or the labels left out, by reason."""
    aligned_boxes: Mapping[str, OrientedBox] = field(default_factory=dict)
    """By object id: the box along the world's axes that holds the object's vertices, or, of sources without labelled
    vertices, the corners of its box. (Grounding: those of ScanRefer are made so.)"""

    @cached_property
    def labels(self) -> Counter[str]:
        """How many objects have each label."""
        return Counter(o.item.label for o in self.objects.values())

    @cached_property
    def image_of_frame(self) -> Mapping[str, ImageRecord]:
        """By frame id."""
        return {image.frame.frame_id: image for image in self.images}

    @cached_property
    def mean_corners(self) -> Mapping[str, Array]:
        """(3,) mean of the corners of each object's box, by object id."""
        return {name: o.item.box.corners().mean(axis=0) for name, o in self.objects.items()}

    @cached_property
    def mean_distance(self) -> Mapping[str, float]:
        """Metres from each object's centre to those of the others, by object id: small in the middle of a room."""
        centers = np.array([o.item.box.center for o in self.objects.values()])
        apart = np.linalg.norm(centers[:, None] - centers, axis=2)
        return dict(zip(self.objects, (apart.sum(axis=1) / max(len(centers) - 1, 1)).tolist(), strict=True))

    @cached_property
    def overlapping_boxes(self) -> frozenset[tuple[str, str]]:
        """Pairs of objects, both ways round, whose boxes share interior points."""
        names, boxes = list(self.objects), [o.item.box for o in self.objects.values()]
        corners = np.array([box.corners() for box in boxes])
        low, high = corners.min(axis=1), corners.max(axis=1)
        near = ((low[:, None] < high) & (low < high[:, None])).all(axis=2)
        pairs = ((i, j) for i, j in np.argwhere(np.triu(near, 1)).tolist() if boxes[i].overlaps(boxes[j]))
        return frozenset(pair for i, j in pairs for pair in ((names[i], names[j]), (names[j], names[i])))

    @cached_property
    def video_areas(self) -> Mapping[str, Array]:
        """(F,) visible share of each frame of the video, by object id."""
        glimpsed = [self.images[view].glimpsed for view in self.video]
        return {name: np.array([shown.get(name, 0.0) for shown in glimpsed]) for name in self.objects}

    @cached_property
    def view_overlap(self) -> Array:
        """(S, S) for each two keyframes: objects both show / objects of the one that shows fewer; -1 for a keyframe and
        itself, and where one shows nothing."""
        places = {name: place for place, name in enumerate(self.objects)}
        shows = np.zeros((len(self.stills), len(places)))
        for row, view in zip(shows, self.stills, strict=True):
            row[[places[name] for name in self.images[view].objects]] = 1
        fewer = np.minimum.outer(shows.sum(axis=1), shows.sum(axis=1))
        share = np.where(fewer > 0, shows @ shows.T / np.maximum(fewer, 1), -1.0)
        np.fill_diagonal(share, -1.0)
        return share

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
        still_frames = spread(still_frames, limits.max_keyframes)
    room = max(scene.rooms, key=lambda one: len(one.frame_ids), default=None)
    film = scene.frames if room is None else tuple(f for f in scene.frames if f.frame_id in room.frame_ids)
    filmed = video and len(film) >= limits.video_frames
    video_frames = spread(film, limits.video_frames) if filmed else ()
    stills, videos = ({f.frame_id for f in chosen} for chosen in (still_frames, video_frames))
    instructions = scene.instructions if video else ()
    walked = {frame_id for instruction in instructions for frame_id in instruction.frame_ids}
    kept = tuple(f for f in scene.frames if f.frame_id in stills | videos | walked)
    asked = [o for o in scene.objects if not o.structural]
    if not asked:
        raise SceneError(f"scene {scene.scene_id}: no annotated object besides walls, floor, ceiling and excluded "
                         "labels")
    observer = observer_of(scene, limits)
    unseen: Counter[str] = Counter()
    images, surfaces = [], [np.zeros((0, 2))]
    for index, frame in enumerate(kept):
        visible = {}
        sight = observer.look(frame)
        if frame.frame_id in videos:
            surface = frame.center[:2] + sight.surface
            surfaces.append(thinned(surface if room is None else _in_room(surface, room), limits.room_voxel))
        for observation in observer.observe(frame, sight):
            reason = _too_little_to_ask(observation, limits, scene.visibility_basis)
            if reason:
                unseen[reason] += 1
            else:
                visible[observation.object_id] = observation
        images.append(ImageRecord(index, frame, visible, _areas(sight, scene.objects)))
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
        objects, scene.visibility_basis, len(scene.frames), dict(unseen),
        thinned(np.concatenate(surfaces), limits.room_voxel),
        _plan_area(scene, room) if filmed else 0.0, room.polygon if filmed and room else None, instructions,
        scene.dropped, {o.object_id: _aligned_box(o, scene) for o in asked},
    )


def _aligned_box(item: SceneObject, scene: Scene) -> OrientedBox:
    labelled = scene.visibility_basis == "mesh" and len(item.vertex_ids) > 0
    return axis_aligned_box(scene.mesh.vertices[item.vertex_ids] if labelled else item.box.corners())


def _plan_area(scene: Scene, room: Room | None) -> float:
    if room:
        return float(shapely.Polygon(room.polygon).area)
    return outline_area(thinned(scene.mesh.vertices[:, :2], _COARSE_VOXEL), _COARSE_RADIUS)


def _in_room(points: Array, room: Room) -> Array:
    """Those of points (N, 2) that lie in the room: doors show the next one."""
    return points[shapely.contains_xy(shapely.Polygon(room.polygon), points)]


def _areas(sight: Sight, objects: tuple[SceneObject, ...]) -> dict[str, float]:
    """Visible share of the image of every object with a visible pixel, structural ones left out."""
    shares = (sight.pixels / sight.objects.size).tolist()
    return {o.object_id: share for o, share in zip(objects, shares, strict=True) if share and not o.structural}


def _too_little_to_ask(seen: Observation, limits: Limits, basis: str) -> str | None:
    if not limits.min_depth <= seen.center_camera[2] <= limits.max_depth:
        return "depth_out_of_range"
    if seen.area < limits.min_area:
        return "too_small"
    if seen.in_image_fraction < limits.min_in_image_fraction:
        return "cut_off"
    if seen.visible_fraction < limits.min_visible(basis):
        return "too_occluded"
    if seen.unhidden_fraction < limits.min_unhidden_fraction:
        return "mostly_hidden"
    if seen.outside_box > limits.box_slack:
        return "not_where_its_box_is"
    return None
