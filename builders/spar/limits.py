"""Every threshold of the SPAR builders, by name. All go into the manifest and can be set with ``--set NAME=VALUE``.

"Open" marks values the paper names but does not print, or leaves out: the number is our default.
"""

import math
from dataclasses import dataclass, fields

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

    min_visible_fraction: float = 0.15
    """Visible vertices / all vertices; an opaque object shows about half of its own (appendix 7.4; open)."""
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
    min_marker_cover: float = 0.5
    """Share of a point marker's disc that must lie on its object; the ray through its middle always must (open)."""
    min_marker_gap: float = 0.06
    """Point markers closer than this share of the image height would cover each other (open)."""
    max_marker_iou: float = 0.7
    """Box markers in one image that overlap more could not be told apart (open)."""

    max_same_objects: int = 3
    """Questions of one task about the same set of objects of a scene: more of them teach and test little (open)."""

    min_view_overlap: float = 0.25
    """Objects two views share / objects of the view that has fewer (open)."""
    max_match_iou: float = 0.5
    """A box that overlaps more with its place in the other view could be copied instead of found (open)."""
    min_option_gap: float = 0.2
    """Metres by which lengths offered as options differ (open)."""
    min_option_ratio: float = 0.1
    """Share of the larger of two numbers by which options differ (open)."""
    max_height_gap: float = 0.3
    """Metres; only for objects closer in height do options differ in above and below: names tell the rest (open)."""
    max_option_iou: float = 0.3
    """Options that are boxes overlap each other less than this (open)."""
    box_slack: float = 0.1
    """Metres by which the two routes to a 2D box may differ: one mesh edge (open)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value < 0:
                raise InputError(f"{field.name}={value}: expected a number of 0 or more")
            if field.name in _SHARES and value > 1:
                raise InputError(f"{field.name}={value}: expected a share from 0 to 1")
        if self.video_frames < 2:
            raise InputError(f"video_frames={self.video_frames}: expected at least 2")
        if self.max_option_iou == 0 or self.max_same_objects == 0 or self.max_depth <= self.min_depth:
            raise InputError("max_option_iou and max_same_objects must be above 0, max_depth above min_depth")


_SHARES = frozenset({
    "min_visible_fraction", "min_in_image_fraction", "min_area", "min_marker_cover", "min_marker_gap", "max_marker_iou",
    "min_view_overlap", "max_match_iou", "max_option_iou", "min_option_ratio",
})
