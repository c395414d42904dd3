"""Samples with their pictures: a few questions per task, from as many scenes and views as there are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from builders.randomness import stable_hash
from recipes.comparison.runs import Run
from recipes.grading import grader_of
from recipes.questions import Questions, Row
from recipes.reporting.cards import Card, card_of
from recipes.scoring import rows_by_form


@dataclass(frozen=True)
class TaskSamples:
    """The gallery section of one task form."""

    name: str
    short: str
    level: str
    metric: str
    """What scores it; ``not scored`` of sentences."""
    count: int
    samples: tuple[Card, ...]


def gallery(questions: Questions, runs: Sequence[Run], per_task: int) -> list[TaskSamples]:
    """``per_task`` samples of each task form, in reading order."""
    forms = rows_by_form(questions.rows)
    chosen = {form: choose(questions.rows, here, per_task) for form, here in forms.items()}
    cards = {
        position: card_of(questions.rows[position], questions.rows[position]["uid"], encoded, runs)
        for position, encoded in questions.views([position for picks in chosen.values() for position in picks])
    }
    sections = []
    for form, picks in chosen.items():
        first = questions.rows[picks[0]]
        metric = grader_of(first).label if first["metric"] else "not scored"
        samples = tuple(cards[position] for position in picks)
        sections.append(TaskSamples(form.name, form.short, form.task.level, metric, len(forms[form]), samples))
    return sections


def choose(rows: Sequence[Row], among: Sequence[int], count: int) -> list[int]:
    """Up to ``count`` of the positions ``among``: new scenes first, then new first views, then by hash."""
    left = list(among)
    order = {position: stable_hash("gallery", rows[position]["uid"]) for position in left}
    scenes: Counter[str] = Counter()
    views: Counter[tuple[str, str]] = Counter()
    picked: list[int] = []
    while left and len(picked) < count:
        best = min(left, key=lambda p: (scenes[rows[p]["scene_id"]], views[_first_view(rows[p])], order[p]))
        left.remove(best)
        picked.append(best)
        scenes[rows[best]["scene_id"]] += 1
        views[_first_view(rows[best])] += 1
    return picked


def _first_view(row: Row) -> tuple[str, str]:
    return row["scene_id"], row["frame_ids"][0]
