"""Where the published SPAR-7M layout keeps what: names of folders, files, pictures and types. No I/O.

    spar/<source>/images/<scene>/image_color/<frame>.jpg               stills
    spar/<source>/images/<scene>/video_color/frame{i}_<frame>.jpg      pictures of video questions, i from 0
    spar/<source>/images/<scene>/{image,video}_depth, pose, video_pose, intrinsic, video_idx.txt
    spar/<source>/qa_jsonl/{train,val}/<task>/<format>/<format>_<rows>.jsonl
    data_jsons/<name>.json                                             index: <source>_<task>_<format> -> file, length

Frame ids are file names without suffix. In the release's ScanNet++ part these are ranks for stills and numbers of
source frames for videos; nothing in the tree tells which rank is which frame.

What one line of such a file holds is in ``conversion``.
"""

import re
from urllib.parse import quote, unquote

from builders.spar.rows import Row

PUBLISHED_SPLIT = {"train": "train", "validation": "val", "test": "val"}
SPLIT = {"train": "train", "val": "validation"}

_TYPE = {"nav_video": "nav"}
"""Task folder -> ``type``, where the two differ."""

_LONGEST_NAME = 255
_VIDEO_NAME = re.compile(r"frame(\d+)_(.+)", re.DOTALL)


class Malformed(ValueError):
    """A record that cannot be read, and why."""


def task_folder(task: str) -> str:
    return next((folder for folder, kind in _TYPE.items() if task == kind), task)


def task_type(task: str) -> str:
    return _TYPE.get(task, task)


def is_video(row: Row) -> bool:
    """Whether the row's pictures are the frames of its scene's video; a walk has frames of its own, kept as stills."""
    return row["img_type"] == "video" and task_type(row["task"]) != _TYPE["nav_video"]


def picture_name(frame_id: str, position: int | None, suffix: str) -> str:
    """A picture's name within its scene; ``position`` is its place in a video, None for stills.

    Example:
        >>> picture_name("543", None, "jpg"), picture_name("70", 2, "jpg")
        ('image_color/543.jpg', 'video_color/frame2_70.jpg')
    """
    return f"{'image' if position is None else 'video'}_color/{frame_stem(frame_id, position)}.{suffix}"


def frame_stem(frame_id: str, position: int | None) -> str:
    """A frame's file name without suffix; what cannot be in a file name is percent-encoded."""
    stem = quote(frame_id, safe=" +,=@")
    return stem if position is None else f"frame{position}_{stem}"


def scene_and_frame(path: str) -> tuple[str, str]:
    """The scene and the frame id of a record's picture.

    Raises:
        Malformed: the path could lead out of the images folder.

    Example:
        >>> scene_and_frame("scene0261_00/video_color/frame2_70.jpg")
        ('scene0261_00', '70')
    """
    parts = path.split("/")
    odd = any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in parts)
    if odd or len(parts) < 2 or any(c in path for c in "\\:\0"):
        raise Malformed(f"image: refused path {path!r:.200}; expected <scene>/<folder>/<frame> below images/")
    stem = parts[-1].rpartition(".")[0] or parts[-1]
    if parts[1:-1] == ["video_color"]:
        match = _VIDEO_NAME.fullmatch(stem)
        return parts[0], unquote(match[2] if match else stem)
    return parts[0], unquote("/".join([*(parts[1:-1] if parts[1:-1] != ["image_color"] else []), stem]))
