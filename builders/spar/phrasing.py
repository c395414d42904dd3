"""Golds into words. All wording is in ``templates/*.yaml`` (see ``builders.spar.wording``); this file only fills slots
and puts sentences together."""

from dataclasses import dataclass

import numpy as np

from builders.spar.choices import letters, option_lines, shuffled
from builders.spar.facts import Fact, Gold
from builders.spar.records import SceneRecord
from builders.spar.tasks.naming import called
from builders.spar.tasks.task import Task
from builders.spar.wording import group_of


@dataclass(frozen=True)
class Phrased:
    """A question in words."""

    question: str
    answer: str
    options: tuple[str, ...]
    template_id: str


def phrase(
    task: Task, fact: Fact, gold: Gold, format_type: str, record: SceneRecord, place: int, rng: np.random.Generator
) -> Phrased:
    """Ask a fact in a format; among options, gold stands at ``place`` (from 0)."""
    slots = _names(task, fact, record) | dict(gold.slots)
    if task.options:
        slots["letters"] = letters(task.options)
    sentences, used = [], []
    for group in ("questions", "notes", "centre", format_type):
        key, text = _drawn(task.name, group, format_type, rng)
        if key:
            sentences.append(text.format(**slots))
            used.append(key)
    question, answer = " ".join(sentences), gold.text
    options: list[str] = []
    if format_type == "select":
        options, answer = shuffled(gold.text, gold.distractors, place, rng)
        question = "\n".join([question, *option_lines(options)])
    elif format_type == "sentence":
        key, text = _drawn(task.name, "answers", format_type, rng)
        answer = sentence_case(text.format(**slots))
        used.append(key)
    return Phrased(question, answer, tuple(options), f"{task.name}/{format_type}/{'-'.join(used)}")


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case; labels may begin a sentence."""
    return text[:1].upper() + text[1:]


def _drawn(name: str, group: str, format_type: str, rng: np.random.Generator) -> tuple[str, str]:
    """A key of the group and its sentence; two empty strings if there is nothing to draw from."""
    sentences = group_of(name, group, format_type)
    if not sentences:
        return "", ""
    key = list(sentences)[rng.integers(len(sentences))]
    return key, sentences[key]


def _names(task: Task, fact: Fact, record: SceneRecord) -> dict[str, str]:
    """Every asked object under its colour, as the question calls it: label and marker."""
    return {a.color: called(record.label(a.object_id), task.marker, a.color) for a in fact.asked}
