"""What SPAR asks: the 20 tasks of SPAR-Bench (SPAR, table 4), and the other answer forms of SPAR-7M."""

from typing import NamedTuple


class BenchTask(NamedTuple):
    """One task of SPAR-Bench."""

    name: str
    short: str
    """Column head in table 4 of the paper."""
    level: str
    """``low``, ``medium`` or ``high``."""
    metric: str
    """``mra`` (a number in metres), ``choice_accuracy`` (an option letter) or ``view_change`` (a motion)."""
    views: int
    """Images of a question."""


LEVELS = ("low", "medium", "high")

BENCH_TASKS: dict[str, BenchTask] = {
    task.name: task
    for task in (
        BenchTask("depth_prediction_oc", "Depth-OC", "low", "mra", 1),
        BenchTask("depth_prediction_oc_mv", "Depth-OC-MV", "low", "mra", 3),
        BenchTask("depth_prediction_oo", "Depth-OO", "low", "mra", 1),
        BenchTask("depth_prediction_oo_mv", "Depth-OO-MV", "low", "mra", 3),
        BenchTask("distance_prediction_oc", "Dist-OC", "low", "mra", 1),
        BenchTask("distance_prediction_oc_mv", "Dist-OC-MV", "low", "mra", 3),
        BenchTask("distance_prediction_oo", "Dist-OO", "low", "mra", 1),
        BenchTask("distance_prediction_oo_mv", "Dist-OO-MV", "low", "mra", 3),
        BenchTask("position_matching", "PosMatch", "medium", "choice_accuracy", 2),
        BenchTask("camera_motion_infer", "CamMotion", "medium", "choice_accuracy", 2),
        BenchTask("view_change_infer", "ViewChgI", "medium", "view_change", 2),
        BenchTask("distance_infer_center_oo", "DistI-OO", "high", "choice_accuracy", 1),
        BenchTask("distance_infer_center_oo_mv", "DistI-OO-MV", "high", "choice_accuracy", 3),
        BenchTask("obj_spatial_relation_oc_mv", "ObjRel-OC-MV", "high", "choice_accuracy", 3),
        BenchTask("obj_spatial_relation_oo", "ObjRel-OO", "high", "choice_accuracy", 1),
        BenchTask("obj_spatial_relation_oo_mv", "ObjRel-OO-MV", "high", "choice_accuracy", 3),
        BenchTask("spatial_imagination_oc", "SpImag-OC", "high", "choice_accuracy", 1),
        BenchTask("spatial_imagination_oc_mv", "SpImag-OC-MV", "high", "choice_accuracy", 3),
        BenchTask("spatial_imagination_oo", "SpImag-OO", "high", "choice_accuracy", 1),
        BenchTask("spatial_imagination_oo_mv", "SpImag-OO-MV", "high", "choice_accuracy", 3),
    )
}
"""Name -> task, in the order of the paper's levels."""

FORMATS = ("fill", "select", "sentence", "judge")

BENCH_FORMATS = {"mra": "fill", "view_change": "fill", "choice_accuracy": "select"}
"""Metric of a task -> the answer format it has in SPAR-Bench."""

OTHER_FORMS: dict[tuple[str, str], str] = {
    ("position_matching", "fill"): "box_overlap",
    ("camera_motion_infer", "fill"): "camera_position",
    ("obj_spatial_relation_oo", "judge"): "yes_no",
    ("obj_spatial_relation_oo_mv", "judge"): "yes_no",
    ("distance_infer_center_oc", "fill"): "name_accuracy",
    ("distance_infer_center_oc_mv", "fill"): "name_accuracy",
    ("distance_infer_center_oo", "fill"): "name_accuracy",
    ("distance_infer_center_oo_mv", "fill"): "name_accuracy",
    ("distance_infer_center_oo_video", "fill"): "name_accuracy",
    ("appearance_order", "fill"): "order_accuracy",
    ("obj_frame_locate", "sentence"): "frame_set",
    ("spatial_volume_infer", "fill"): "number_list",
    ("obj_count", "fill"): "count",
    ("room_size", "fill"): "area",
    ("distance_prediction_oo_video", "fill"): "distance",
    **{(name, "select"): "choice" for name, task in BENCH_TASKS.items() if task.metric == "mra"},
    ("distance_infer_center_oc", "select"): "choice",
    ("distance_infer_center_oc_mv", "select"): "choice",
    ("distance_infer_center_oo_video", "select"): "choice",
    ("distance_prediction_oo_video", "select"): "choice",
    ("room_size", "select"): "choice",
}
"""(task, format) of SPAR-7M outside the benchmark -> how it is scored here; the choice is ours, no paper has one."""

_TEXT_ONLY = (
    "spatial_imagination_map_mv",
    "spatial_imagination_oc_video",
    "spatial_imagination_oo_video",
    "spatial_imagination_oc_video_hard",
    "spatial_imagination_oo_video_hard",
    "nav_video",
)

TASK_NAMES: tuple[str, ...] = tuple(dict.fromkeys([*BENCH_TASKS, *(task for task, _ in OTHER_FORMS), *_TEXT_ONLY]))
"""The 35 task types of SPAR-7M."""


ALIASES = {"nav": "nav_video"}
"""Names in rows of the release -> the name of the task's folder."""


def format_of(task: str) -> str:
    """The format that an answer has where none is given: the benchmark's, else the first that can be scored.

    >>> format_of("position_matching"), format_of("appearance_order"), format_of("nav_video")
    ('select', 'fill', 'sentence')
    """
    if task in BENCH_TASKS:
        return BENCH_FORMATS[BENCH_TASKS[task].metric]
    return next((form for name, form in OTHER_FORMS if name == task), "sentence")
