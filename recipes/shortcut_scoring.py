"""From answers to scores in percent: by tag, and the gap consistent - counter; of all rows and of each kind.

Intervals are clustered by image (or scene). A gap is uninformative where the mean score cannot be told from chance and
the gap not from 0 (``metrics/shortcut_gap``); chance is what the baseline ``random`` scores in theory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from builders.heuristic import TAGS
from metrics.shortcut_gap._core import shortcut_gap
from metrics.shortcut_gap._intervals import FEW_GROUPS, mean_interval
from recipes.answerers.baselines import RandomGuess
from recipes.grading import grader_of
from recipes.items import DIFFERENCE, Composed, Items, items_of
from recipes.questions import Row
from recipes.scoring import Score

ALL = "all"
"""Block of every row; the others are called by what their rows ask, and ``choices``."""
CHOICES = "choices"
"""Block of the multiple-choice rows, where there are others too: its score is an accuracy."""
UNTAGGED = "untagged"
PARTS = (ALL, "tagged", *TAGS, UNTAGGED)
"""Of a block; ``tagged`` is the three tags together."""
GAP = "gap"


@dataclass(frozen=True)
class ShortcutScores:
    """Everything one run scored."""

    metrics: dict[str, Score]
    """``<block>/<part>`` and ``<block>/gap``; parts without a row are left out, and the gap where one of its two sides
    has none."""
    chance: dict[str, float]
    """Block -> percent that guessing scores, over its tagged rows; over all its rows where it has no tag."""
    uninformative: list[str]
    """Gaps that say nothing."""
    items: Items
    composed: Composed


def score_shortcuts(
    rows: Sequence[Row], answers: Mapping[str, str | None], cluster: str = "image"
) -> ShortcutScores:
    """Score the answers to these rows.

    Args:
        rows: as ``open_shortcuts`` gives them; each has a metric.
        answers: ``uid`` -> answer in the form of the gold; None or missing where none could be read: these score 0, and
            are counted.
        cluster: ``image`` or ``scene``: what shares its errors.

    Raises:
        InputError: clustered by scene, and a row has none.
    """
    scores = _item_scores(rows, answers)
    unread = np.array([answers.get(row["uid"]) is None for row in rows])
    groups = np.array([group_of(row, cluster) for row in rows])
    tags = np.array([row["heuristic"] or UNTAGGED for row in rows])
    expected = chance_of(rows)
    found: dict[str, Score] = {}
    chance: dict[str, float] = {}
    uninformative: list[str] = []
    parts: list[list[str]] = [[] for _ in rows]
    composed: Composed = {}
    for block, inside in blocks(rows):
        for part in PARTS:
            here = inside & _in_part(tags, part)
            if here.any() and not (part in ("tagged", UNTAGGED) and (here == inside).all()):
                found[f"{block}/{part}"] = _mean(scores[here], groups[here], int(unread[here].sum()))
                for position in np.flatnonzero(here):
                    parts[position].append(f"{block}/{part}")
        tagged = inside & (tags != UNTAGGED)
        chance[block] = 100 * float(expected[tagged if tagged.any() else inside].mean())
        gap = shortcut_gap(scores[tagged].tolist(), tags[tagged].tolist(), groups=groups[tagged].tolist(),
                           chance=chance[block] / 100)
        if gap["delta"] == gap["delta"]:
            missing = int(unread[tagged & (tags != "ambiguous")].sum())
            found[f"{block}/{GAP}"] = Score(
                100 * gap["delta"], gap["n_cons"] + gap["n_ctr"], 100 * gap["low"], 100 * gap["high"], gap["interval"],
                gap["n_groups"], 1, missing)
            composed[f"{block}/{GAP}"] = {DIFFERENCE: [f"{block}/consistent", f"{block}/counter"]}
            if not gap["informative"]:
                uninformative.append(f"{block}/{GAP}")
    items = items_of((row["uid"] for row in rows), scores, groups.tolist(), parts)
    return ShortcutScores(found, chance, uninformative, items, composed)


def few_groups(metrics: Mapping[str, Score]) -> str:
    """The tags of all rows together that rest on fewer images or scenes than a bootstrap needs, with their number."""
    found = ((tag, metrics[f"{ALL}/{tag}"].n_groups) for tag in TAGS if f"{ALL}/{tag}" in metrics)
    return ", ".join(f"{tag} {count}" for tag, count in found if count < FEW_GROUPS)


def blocks(rows: Sequence[Row]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """(name, (N,) which rows) of all rows together, of the choices among them, and of each kind, those with tags
    first."""
    yield ALL, np.full(len(rows), True)
    choices = np.array([row["metric"] == "choice_accuracy" for row in rows])
    if choices.any() and not choices.all():
        yield CHOICES, choices
    kinds = np.array([row["kind"] for row in rows])
    tagged = {row["kind"] for row in rows if row["heuristic"]}
    for kind in sorted(set(kinds.tolist()), key=lambda kind: (kind not in tagged, kind)):
        yield f"kind: {kind}" if kind in (ALL, CHOICES) else kind, kinds == kind


def chance_of(rows: Sequence[Row]) -> NDArray[np.float64]:
    """(N,) expected score of a guess at each row, 0 to 1."""
    return RandomGuess(rows, 0).expected(rows)


def group_of(row: Row, cluster: str) -> str:
    """What a row shares its errors with."""
    if cluster == "image":
        return row["image_id"]
    if not row.get("scene_id"):
        raise InputError(f"--cluster scene: row {row['uid']} says no scene; take --cluster image")
    return f"{row.get('source') or row.get('data_source') or ''}/{row['scene_id']}"


def _item_scores(rows: Sequence[Row], answers: Mapping[str, str | None]) -> NDArray[np.float64]:
    @cache
    def one(metric: str, answer: str, gold: str) -> float:
        return float(graders[metric].compare([answer], [gold])[0])

    graders = {row["metric"]: grader_of(row) for row in rows}
    given = [answers.get(row["uid"]) for row in rows]
    return np.array([0.0 if answer is None else one(row["metric"], answer, row["answer"])
                     for row, answer in zip(rows, given, strict=True)])


def _in_part(tags: NDArray[np.str_], part: str) -> NDArray[np.bool_]:
    if part == ALL:
        return np.full(len(tags), True)
    return tags != UNTAGGED if part == "tagged" else tags == part


def _mean(scores: NDArray[np.float64], groups: NDArray[np.str_], unread: int) -> Score:
    interval = mean_interval(scores, groups.tolist())
    assert interval.low is not None and interval.high is not None  # there is at least one row
    return Score(100 * float(scores.mean()), interval.n, 100 * interval.low, 100 * interval.high, interval.method,
                 interval.n_groups, 1, unread)
