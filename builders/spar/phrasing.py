"""Facts into words. All wording is in ``templates/*.yaml``; this file only fills slots and puts sentences together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import yaml

from builders.spar.choices import (
    box_distractors,
    box_text,
    letters,
    relation_distractors,
    relation_triple,
    shuffled,
)
from builders.spar.facts import BoxFact, Fact, NearerFact, NumberFact, Rejected, RelationFact
from builders.spar.geometry import box_to_px1000
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.task import Task


@dataclass(frozen=True)
class Gold:
    """The gold answer before it is put into a format."""

    text: str
    """As a fill answer or an option shows it."""
    value: tuple[float, ...]
    """The deciding quantities, rounded as printed."""
    exact: tuple[float, ...]
    """The same, unrounded."""
    unit: tuple[str, ...]
    distractors: tuple[str, ...] = ()
    """Option texts beside the gold one."""


@dataclass(frozen=True)
class Phrased:
    """A question in words."""

    question: str
    answer: str
    options: tuple[str, ...]
    gold: Gold
    template_id: str


def phrase(
    task: Task, fact: Fact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Phrased | Rejected:
    """Ask a fact in a format; rejected when no options can be found that are wrong by the stated margins."""
    wording, common = templates(task.name), templates("common")
    gold = _gold(task, fact, record, limits, rng)
    if isinstance(gold, Rejected):
        return gold
    names = {
        asked.color: common["marker"][task.marker].format(label=record.label(asked.object_id), color=asked.color)
        for asked in fact.asked
    }
    slots = names | _extra_slots(fact) | ({"letters": letters(task.options)} if task.options else {})
    centre = wording.get("centre", common["centre"])
    sentences, used = [], []
    for part in (wording["questions"], wording.get("notes"), centre, common[format_type]):
        if part:
            key = list(part)[rng.integers(len(part))]
            sentences.append(part[key].format(**slots))
            used.append(key)
    question, answer = " ".join(sentences), gold.text
    options: list[str] = []
    if format_type == "select":
        options, answer = shuffled(gold.text, list(gold.distractors), rng)
        question = "\n".join([question, *(f"{letter}. {text}" for letter, text in zip("ABCD", options, strict=False))])
    return Phrased(question, answer, tuple(options), gold, f"{task.name}/{format_type}/{'-'.join(used)}")


def metres(value: float) -> str:
    """One decimal, as SPAR prints lengths.

    Example:
        >>> metres(2.449), metres(0.96)
        ('2.4', '1.0')
    """
    return f"{value:.1f}"


@cache
def templates(name: str) -> Mapping[str, Mapping[str, str]]:
    """One wording file: groups of sentences by their keys."""
    return yaml.safe_load(files("builders.spar").joinpath(f"templates/{name}.yaml").read_text())


def _extra_slots(fact: Fact) -> dict[str, str]:
    if isinstance(fact, NumberFact) and fact.given is not None:
        return {"given": metres(fact.given)}
    if isinstance(fact, NearerFact):
        return {"nearer_to": "closer to" if fact.closer else "farther from"}
    return {}


def _gold(task: Task, fact: Fact, record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Gold | Rejected:
    wrong = task.options - 1
    if isinstance(fact, NumberFact):
        return Gold(metres(fact.value), (float(metres(fact.value)),), (fact.value,), ("m",))
    if isinstance(fact, NearerFact):
        green, blue = (record.label(a.object_id) for a in fact.asked[1:])
        first_wins = (fact.distances[0] < fact.distances[1]) == fact.closer
        names = (green, blue) if first_wins else (blue, green)
        return Gold(names[0], _printed(fact.distances), fact.distances, ("m", "m"), (names[1],))
    if isinstance(fact, RelationFact):
        others = relation_distractors(fact, wrong, limits, rng)
        exact = tuple(difference for _, difference in fact.differences)
        triple = relation_triple(fact.differences, limits.relation_band)
        if others is None:
            return Rejected("too_few_options")
        return Gold(_triple(triple), _printed(exact), exact, ("m",) * 3, tuple(map(_triple, others)))
    if isinstance(fact, BoxFact):
        frame = record.frame(fact.views[1])
        size = frame.width, frame.height
        boxes = box_distractors(fact, wrong, size, limits, rng)
        if boxes is None:
            return Rejected("too_few_options")
        scaled = box_to_px1000(fact.box, *size)
        exact = tuple(((fact.box.reshape(2, 2) + 0.5) / size * 1000).ravel().tolist())
        texts = tuple(box_text(box_to_px1000(box, *size)) for box in boxes)
        return Gold(box_text(scaled), tuple(map(float, scaled)), exact, ("px1000",) * 4, texts)
    raise TypeError(f"no wording for {type(fact).__name__}")


def _printed(lengths: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(metres(length)) + 0.0 for length in lengths)  # no negative zero


def _triple(words: tuple[str, ...]) -> str:
    """Comma-separated, an empty slot between its commas: ``left, , closer``."""
    return ", ".join(words)
