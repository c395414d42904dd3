"""From one scene to its rows, and what the rows answer: the same for both SPAR datasets."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from builders.hub.dataset import SceneRef, SceneReport
from builders.scenes.scene import Scene
from builders.spar.choices import LETTERS
from builders.spar.config import SparBuilder
from builders.spar.pictures import Pictures
from builders.spar.records import SceneRecord, build_record
from builders.spar.relations import RELATION_WORDS
from builders.spar.rows import Row, task_rows, with_even_tags
from builders.spar.tasks.task import Task

_RELATION_WORDS = frozenset(word for pair in RELATION_WORDS.values() for word in pair)


@dataclass(frozen=True, eq=False)
class SceneRows:
    """The questions about one scene, without pictures, and what they were made from."""

    scene: Scene
    record: SceneRecord
    pictures: Pictures
    rows: list[Row]
    report: SceneReport


def scene_rows(
    builder: SparBuilder, ref: SceneRef, asked: Iterable[tuple[Task, str, int]], video: bool = False,
    even_tags: bool = False,
) -> SceneRows:
    """The rows of one scene. Frames whose picture turns out to be unreadable are taken out of the scene, and the rows
    are made again from the others: what a scan without these frames would have given.

    Args:
        asked: (task, format, rows wanted at most).
        video: whether questions show videos, too.
        even_tags: as many rows of each task and format are consistent as counter.

    Raises:
        SceneError: the scene cannot be used, or none of the pictures that questions want can be read.
    """
    source, asked = builder.open(ref.spec), list(asked)
    scene = source.load(ref.scene_id)
    pictures = Pictures(source, scene)
    while True:
        made = _rows_of(builder, scene, pictures, asked, video, even_tags)
        broken = pictures.unreadable.intersection(f.frame_id for f in scene.frames)
        if not broken:
            return replace(made, report=replace(made.report, unreadable=sorted(pictures.unreadable)))
        pictures.require_any()
        scene = without_frames(scene, broken)


def _rows_of(
    builder: SparBuilder, scene: Scene, pictures: Pictures, asked: Sequence[tuple[Task, str, int]], video: bool,
    even_tags: bool,
) -> SceneRows:
    limits = builder.config.limits
    record = build_record(scene, limits, video, builder.labels_left_out)
    seed = (builder.name, str(builder.VERSION), builder.config.seed)
    rows: list[Row] = []
    rejected: dict[str, Counter[str]] = {}
    for task, format_type, wanted in asked:
        counter = rejected.setdefault(task.name, Counter())
        made = list(task_rows(task, format_type, record, limits, wanted, seed, counter,
                              lambda row: pictures.problem(row, limits), even_tags))
        kept = with_even_tags(made) if even_tags else made
        counter["tag_without_counterpart"] += len(made) - len(kept)
        rows += kept
    questions: dict[str, Counter[str]] = {task: Counter() for task in rejected}
    for row in rows:
        questions[row["task"]][row["format_type"]] += 1
    report = SceneReport(
        frames_read=record.frames_read,
        keyframes=len(record.stills),
        objects=len(record.objects),
        visibility_basis=record.visibility_basis,
        dropped={**record.dropped, **pictures.flawed},
        unseen=dict(record.unseen),
        rejected={task: dict(+counter) for task, counter in rejected.items()},
        made={task: dict(counter) for task, counter in questions.items()},
    )
    return SceneRows(scene, record, pictures, rows, report)


def without_frames(scene: Scene, frame_ids: Collection[str]) -> Scene:
    """The scene as if these frames had not been captured; ``dropped`` counts them as ``frames_unreadable``."""
    if not frame_ids:
        return scene
    dropped = dict(scene.dropped)
    dropped["frames_unreadable"] = dropped.get("frames_unreadable", 0) + len(frame_ids)
    frames = tuple(f for f in scene.frames if f.frame_id not in frame_ids)
    walks = tuple(i for i in scene.instructions if not set(frame_ids).intersection(i.frame_ids))
    return replace(scene, frames=frames, instructions=walks, dropped=dropped)


def answers(table: pa.Table) -> Counter[tuple[str, ...]]:
    """How often each letter, Yes and No, each count, and each word of a relation is the answer, and each tag, by (task,
    format, what, value)."""
    counts: Counter[tuple[str, ...]] = Counter()
    columns = (table[name].to_pylist() for name in ("task", "format_type", "answer", "options", "heuristic"))
    for task, format_type, answer, options, tag in zip(*columns, strict=True):
        if tag:
            counts[task, format_type, "heuristic", tag] += 1
        if format_type in ("select", "judge") or answer.isdigit():
            counts[task, format_type, "answer", answer] += 1
        text = options[LETTERS.index(answer)] if format_type == "select" else answer
        words = [word.strip() for word in text.split(",")]
        if any(words) and _RELATION_WORDS.issuperset(filter(None, words)):
            for slot, word in enumerate(words, start=1):
                counts[task, format_type, f"word {slot}", word or "-"] += 1
    return counts
