"""Every threshold of the SPAR builders, by name. All go into the manifest and can be set with ``--set NAME=VALUE``.

"Open" marks values the paper names but does not print, or leaves out: the number is our default.
"""

import math
from dataclasses import astuple, dataclass, fields
from functools import cached_property

from builders.errors import InputError


@dataclass(frozen=True)
class Limits:
    """Thresholds of keyframing, visibility and question making."""

    keyframe_translation: float = 0.3
    """Metres a camera must have moved to be kept (SPAR, appendix 7.3; open)."""
    keyframe_rotation: float = 15.0
    """Degrees a camera must have turned to be kept (SPAR, appendix 7.3; open)."""
    max_keyframes: int = 0
    """Keep at most this many keyframes of a scene, evenly spread over the path; 0 keeps all."""

    video_frames: int = 32
    """Frames of a video question, evenly spread over the capture (SPAR-7M: 32)."""

    glimpse_area: float = 0.0001
    """Visible pixels / image pixels; an object that shows less counts as not visible. One that shows more than this
    but less than ``min_area`` is neither absent nor there: questions about frames avoid it (open)."""
    min_frames_without: int = 6
    """Frames of a video that must not show an object, for a question about the frames that do (open)."""
    min_appearance_gap: int = 2
    """Frames between the first appearances of any two objects whose order is asked (open)."""

    room_voxel: float = 0.05
    """Metres; the voxel size of a room's points (appendix 7.5; open)."""
    room_outline_radius: float = 0.25
    """Metres; largest circumradius of a triangle in a room's outline: 1 / alpha (appendix 7.5; open)."""
    min_room_area: float = 4.0
    """Square metres; smaller rooms are not asked about (appendix 7.5; open)."""
    min_room_shown: float = 0.8
    """Share of the whole scan, in plan, that the frames must show for its size to be asked (open)."""
    min_area_step: float = 1.12
    """Smallest factor between two areas offered as options (open)."""
    typical_room_area: float = 21.5
    """Square metres; the median floor area of the scenes' rooms. Wrong options are areas of such rooms: where this or
    ``room_area_spread`` is far from the scenes', sizes give gold away. The defaults are those of the procedural rooms
    (open)."""
    room_area_spread: float = 1.34
    """Factor by which floor areas deviate from the median (the exponential of their standard deviation in logs), see
    ``typical_room_area`` (open)."""

    max_blanks: int = 8
    """Words left out of one navigation instruction (open)."""

    min_visible_fraction: float = 0.15
    """Visible vertices / all vertices; an opaque object shows about half of its own (appendix 7.4; open)."""
    min_visible_fraction_box_depth: float = 0.15
    """The same where a mesh without labels and boxes tell what is visible (ARKitScenes; open)."""
    min_visible_fraction_maps: float = 0.2
    """Visible pixels / pixels of the projected 3D box, where instance maps or depth maps tell what is visible: what
    does not fill its box, such as a chair, shows about half of it (Structured3D; open)."""
    min_visible_fraction_boxes: float = 0.4
    """The same where boxes alone tell what is visible: one in full view has 1 (open)."""
    min_unhidden_fraction: float = 0.5
    """Vertices in the image that no other thing hides / vertices in the image: of what shows less, readers see pieces
    between other things and cannot say what they belong to (meshes only; open)."""
    box_margin: float = 0.02
    """Metres by which a surface may lie outside of the box that it belongs to, where boxes tell which surface is whose
    (open)."""
    min_in_image_fraction: float = 0.6
    """Vertices that project into the image / all: objects cut off further are not asked about (open)."""
    min_area: float = 0.002
    """Visible pixels / image pixels (appendix 7.4; open)."""
    min_depth: float = 0.3
    """Metres from the camera plane to the object's centre (appendix 7.4; open)."""
    max_depth: float = 10.0
    """Metres from the camera plane to the object's centre (appendix 7.4; open)."""

    relation_band: float = 0.1
    """Metres; smaller differences leave a relation slot empty (appendix 7.5)."""
    relation_margin: float = 0.01
    """Metres; differences this close to the band's border are not asked (open)."""
    min_depth_gap: float = 0.2
    """Metres; depth differences below count as "similar values" and are not asked (appendix 7.5; open)."""
    min_distance: float = 0.2
    """Metres; object pairs closer than this are not asked for their distance (appendix 7.5; open)."""
    min_nearer_gap: float = 0.2
    """Metres by which one candidate must be nearer than the other (open)."""
    min_nearer_ratio: float = 0.1
    """Share of the larger distance by which one candidate must be nearer than the other (open)."""
    max_candidate_spread: float = 0.8
    """Metres between the heights of the lowest and the highest of several named candidates for nearest and farthest:
    names tell what stands on the floor and what hangs on a wall (open)."""
    min_marker_cover: float = 0.7
    """Share of a point marker's disc that must lie on its object; the ray through its middle always must (open)."""
    min_marker_gap: float = 0.06
    """Point markers closer than this share of the image height would cover each other (open)."""
    max_marker_iou: float = 0.7
    """Box markers in one image that overlap more could not be told apart (open)."""
    max_namesake_share: float = 0.25
    """Share of a box marker that the box of another thing of the same name may cover: two chairs in one box (open)."""

    max_same_objects: int = 4
    """Questions of one task about the same set of objects of a scene: more of them teach and test little (open).
    Distances between things draw what is asked about among the options; there it counts the first choice, and a pair
    may come a few times more often."""

    max_same_count: int = 1
    """Labels of a scene that are asked for the same count, for each format (open)."""

    max_per_frame: int = 0
    """Questions of one task and format whose first view is the same frame, videos apart; 0: no cap (open)."""

    min_brightness: float = 20.0
    """Mean luminance from 0 to 255; darker frames are not shown (open)."""
    min_contrast: float = 6.0
    """Standard deviation of the luminance; flatter frames show nothing (open)."""
    min_sharpness: float = 10.0
    """Variance of the Laplacian of the luminance at about 240 pixels of height; lower where the camera was shaken.
    Sharp frames have hundreds; those of a scan blurred by 4 pixels of 480 have 5 (open)."""

    min_view_overlap: float = 0.25
    """Objects two views share / objects of the view that has fewer (open)."""
    max_match_iou: float = 0.5
    """A box that overlaps more with its place in the other view could be copied instead of found (open)."""
    min_option_gap: float = 0.2
    """Metres by which lengths offered as options differ (open)."""
    min_option_ratio: float = 0.1
    """Share of the larger of two numbers by which options differ (open)."""
    max_option_centrality: float = 1.07
    """Largest factor between the mean distances to all other objects, of objects whose distance to a third is offered
    as options: names tell what stands in the middle of a room and what hangs on its walls (open)."""
    min_option_distance: float = 0.9
    """Metres; shorter distances are not offered as options, nor, over several views, are objects less apart when it
    is asked which one is nearest to the camera: names tell what stands together, and how, as an office chair before
    its desk (open)."""
    same_reference_depth: float = 1.1
    """Largest factor between two reference depths for questions that tell them to count as alike (open)."""
    max_height_gap: float = 0.3
    """Metres; only for objects closer in height do options differ in above and below: names tell the rest (open)."""
    max_option_iou: float = 0.2
    """Options that are boxes overlap each other less than this (open)."""
    box_slack: float = 0.1
    """Metres by which the two routes to a 2D box may differ: one mesh edge (open). Where maps tell what is visible,
    also those by which pixels may lie outside of their projected 3D box."""

    min_imagined_move: float = 0.5
    """Metres between the object the observer moves to and the one they face: closer ones give no clear gaze (open)."""
    max_imagined_pitch: float = 45.0
    """Degrees; imagined gazes steeper up or down are not asked (appendix 7.5; open)."""

    min_view_move: float = 0.3
    """Metres; views that moved less and turned less than ``min_view_turn`` are not asked for their motion (open)."""
    min_view_turn: float = 15.0
    """Degrees between the optical axes, see ``min_view_move`` (open)."""
    max_view_yaw: float = 170.0
    """Degrees; an optical axis turned further could be reached to the left or to the right (open)."""
    max_view_pitch: float = 60.0
    """Degrees; an optical axis steeper in the other camera's frame has no clear turn to the side (open)."""
    max_view_roll: float = 20.0
    """Degrees; motions leave out the rotation about the optical axis, so it must be small (open)."""
    min_part_margin: float = 0.02
    """Image sides; an object's place "top left" must lie this far from the borders of the nine parts (open)."""
    min_camera_depth: float = 0.3
    """Metres from the camera plane; another camera closer to it, or behind it, is not asked for its place (open)."""
    min_option_px1000: float = 100.0
    """Options that are points with a depth differ by this on the 0-1000 scale, or by ``min_option_depth`` (open)."""
    min_option_depth: float = 0.5
    """Metres, see ``min_option_px1000`` (open)."""
    min_measured_in_image: float = 0.95
    """As ``min_in_image_fraction``, of objects asked for their size (open)."""
    min_measured_unhidden: float = 0.75
    """As ``min_unhidden_fraction``, of objects asked for their size (open)."""
    min_measured_visible: float = 0.3
    """As ``min_visible_fraction``, of objects asked for their size (open)."""
    min_measured_visible_box_depth: float = 0.3
    """As ``min_visible_fraction_box_depth``, of objects asked for their size (open)."""
    min_measured_visible_maps: float = 0.4
    """As ``min_visible_fraction_maps``, of objects asked for their size (open)."""
    min_measured_visible_boxes: float = 0.8
    """As ``min_visible_fraction_boxes``, of objects asked for their size (open)."""
    min_dimension: float = 0.05
    """Metres; thinner objects are not asked for their size: it would be noise of the scan (open)."""
    grounding_views: int = 13
    """Frames of a question that asks for an object's 3D box, or as many as the scene has: what SPAR shows of a scene in
    its table 10 (open for grounding)."""
    min_description_gap: float = 0.3
    """Metres by which an object is nearer, farther, higher or lower than all others of its name, where that describes
    it: by centers as across the space between boxes, by bottoms as by tops (open)."""
    max_map_pitch: float = 70.0
    """Degrees; a camera looking steeper up or down gives a map no direction (open)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value < 0:
                raise InputError(f"{field.name}={value}: expected a number of 0 or more")
            if field.name in _SHARES and value > 1:
                raise InputError(f"{field.name}={value}: expected a share from 0 to 1")
        if self.video_frames < 2:
            raise InputError(f"video_frames={self.video_frames}: expected at least 2")
        if self.grounding_views < 2:
            raise InputError(f"grounding_views={self.grounding_views}: expected at least 2")
        if min(self.min_area_step, self.room_area_spread) <= 1 or self.typical_room_area == 0:
            raise InputError("min_area_step and room_area_spread are factors above 1, typical_room_area is above 0")
        if min(self.max_option_centrality, self.same_reference_depth) < 1:
            raise InputError("max_option_centrality and same_reference_depth are factors of 1 or more")
        if self.room_voxel == 0 or self.room_outline_radius < self.room_voxel:
            raise InputError("room_voxel must be above 0 and room_outline_radius not below it")
        if 0 in (self.max_option_iou, self.max_same_objects, self.max_same_count) or self.max_depth <= self.min_depth:
            raise InputError("max_option_iou, max_same_objects and max_same_count must be above 0, max_depth above "
                             "min_depth")

        if self.max_imagined_pitch >= 90:
            raise InputError(f"max_imagined_pitch={self.max_imagined_pitch}: expected less than 90")
        if max(self.max_view_pitch, self.max_map_pitch) >= 90 or self.max_view_yaw >= 180:
            raise InputError("max_view_pitch and max_map_pitch must be below 90, max_view_yaw below 180")

    def min_visible(self, basis: str) -> float:
        """The least visible fraction of what is asked about, as a visibility basis measures it."""
        return float(getattr(self, f"min_visible_fraction{_OF_BASIS[basis]}"))

    def min_measured(self, basis: str) -> float:
        """The least visible fraction of what is asked for its size."""
        return float(getattr(self, f"min_measured_visible{_OF_BASIS[basis]}"))

    def __hash__(self) -> int:
        """Of all values, computed once: what is derived from a scene and the limits is kept by both."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(astuple(self))


_OF_BASIS = {"mesh": "", "box_depth": "_box_depth", "instance_map": "_maps", "depth_map": "_maps", "boxes": "_boxes"}
"""How the names of a visibility basis's thresholds end."""

_SHARES = frozenset({
    "glimpse_area", "min_room_shown", "min_visible_fraction", "min_visible_fraction_box_depth",
    "min_visible_fraction_maps", "min_visible_fraction_boxes", "min_measured_visible_box_depth",
    "min_measured_visible_maps", "min_measured_visible_boxes", "min_in_image_fraction", "min_area", "min_marker_cover",
    "min_marker_gap", "max_marker_iou", "min_view_overlap", "max_match_iou", "max_option_iou", "min_option_ratio",
    "min_part_margin", "min_measured_in_image", "min_measured_visible", "min_measured_unhidden",
    "min_unhidden_fraction", "max_namesake_share",
})
