"""Which tasks a source can serve, judged by one of its scenes."""

from collections.abc import Callable, Mapping

from builders.errors import InputError, SceneError
from builders.scenes.scene import Scene, SceneSource
from builders.spar.keyframes import keyframes
from builders.spar.limits import Limits
from builders.spar.tasks.task import Task

NEEDS: Mapping[str, Callable[[Scene], bool]] = {"instructions": lambda scene: bool(scene.instructions)}
"""What ``Task.needs`` may name, things that not every source has, and whether a scene has it."""

_SCENES_TRIED = 5


def first_scene(source: SceneSource) -> Scene:
    """The first scene of a source that can be loaded; ``InputError``, with the last reason, if none of the first few
    can."""
    reason = "it has none"
    for scene_id in source.scene_ids()[:_SCENES_TRIED]:
        try:
            return source.load(scene_id)
        except SceneError as error:
            reason = str(error)
    raise InputError(f"{source.name}: no scene could be loaded: {reason}")


def missing(task: Task, scene: Scene, limits: Limits) -> str:
    """What the scene lacks for a task; empty if nothing. (It may still hold no object that passes the limits.)"""
    if task.needs:
        return "" if NEEDS[task.needs](scene) else f"no {task.needs}"
    if task.img_type == "video":
        have, want, what = len(scene.frames), limits.video_frames, "frames"
    else:
        still = keyframes(scene.frames, limits.keyframe_translation, limits.keyframe_rotation)
        have, want, what = len(still), task.views, "keyframes"
    return "" if have >= want else f"{have} of {want} {what}"
