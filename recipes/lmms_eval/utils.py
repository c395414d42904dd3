"""What the tasks in this folder are made of: prompts, readings and scores of the recipes, in the form lmms-eval calls.

lmms-eval calls ``doc_to_visual(doc)``, ``doc_to_text(doc, lmms_eval_specific_kwargs)``, ``doc_to_target(doc)`` and,
with the answers, ``process_results(doc, [text])``; what that returns under a metric's name is collected over all
questions and given to the metric's aggregation. What it returns besides (``id``, ``raw_text``, ``score``, ``group``,
``parts``) is written to the samples file by ``--log_samples``: recipes take that file as ``--predictions``, and
``recipes/compare.py`` reads it for paired differences.

Figures are percentages. Standard errors that lmms-eval adds are clustered by ``group`` (scene, image).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from metrics.choice_accuracy._core import choice_accuracy
from metrics.shortcut_gap._core import shortcut_gap
from metrics.spar_score._core import spar_score
from recipes.answerers.prompts import prompt_of
from recipes.grading import grader_of
from recipes.scoring import form_of
from recipes.shortcut_questions import in_common_form

Doc = dict[str, Any]
Item = dict[str, Any]


def doc_to_visual(doc: Doc) -> list[Any]:
    """The pictures, in order."""
    views = doc["image"] if isinstance(doc["image"], list) else [doc["image"]]
    return [view.convert("RGB") for view in views]


def doc_to_text(doc: Doc, lmms_eval_specific_kwargs: Mapping[str, Any] | None = None) -> str:
    """The question in a form of ``recipes/answerers/prompts.yaml``: ``prompts`` of the task's file, or published."""
    return prompt_of(in_common_form(doc), (lmms_eval_specific_kwargs or {}).get("prompts", "published"))


def doc_to_target(doc: Doc) -> str:
    """The gold answer as a model would write it."""
    return in_common_form(doc)["answer"]


# ---------------------------------------------------------------- SPAR-Bench


def process_spar(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
    """The score of one answer, for the average and for the level of its task."""
    value, _ = grader_of(doc).read(doc, results[0])
    score = 0.0 if value is None else float(grader_of(doc).compare([value], [doc["answer"]])[0])
    group = f"{doc['source']}/{doc['scene_id']}"
    item = {"text": results[0], "gold": doc["answer"], "task": doc["task"], "format": doc["format_type"],
            "options": doc["options"] or None, "percent": 100 * score, "group": group}
    form = form_of(doc)
    return _logged(doc, results, score, group, [form.name]) | {"average": item, f"level_{form.task.level}": item}


def mean_of_tasks(items: Sequence[Item]) -> float:
    """Mean over the tasks of their scores, in percent (SPAR, table 4)."""
    texts, golds, tasks, formats, options = (
        [item[name] for item in items] for name in ("text", "gold", "task", "format", "options"))
    return spar_score(texts, golds, tasks, formats=formats, options=options)["average"]


# ---------------------------------------------------------------- one right choice, with a tag


def process_choice(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
    """Whether one choice, or Yes or No, is right: for the accuracy of all, and of its tag."""
    row = in_common_form(doc)
    asked = {"text": results[0], "gold": row["answer"], "options": row.get("options") or None}
    score = accuracy([asked]) / 100
    group = doc["scene_id"] if "theta_far" in doc else hashlib.sha256(doc["image"].tobytes()).hexdigest()[:16]
    item = asked | {"percent": 100 * score, "group": group, "tag": doc["heuristic"]}
    tags = [doc["heuristic"]] if doc["heuristic"] else []
    names = ["accuracy", *tags, *(["gap"] if doc["heuristic"] in ("consistent", "counter") else [])]
    return _logged(row, results, score, group, ["accuracy", *tags]) | dict.fromkeys(names, item)


def accuracy(items: Sequence[Item]) -> float:
    """Share of right choices, in percent."""
    texts, golds, options = ([item[name] for item in items] for name in ("text", "gold", "options"))
    return 100 * choice_accuracy(texts, golds, options=options)["accuracy"]


def gap(items: Sequence[Item]) -> float:
    """Accuracy on consistent less that on counter questions, in percent."""
    return 100 * shortcut_gap([item["percent"] / 100 for item in items], [item["tag"] for item in items])["delta"]


def _logged(row: Doc, results: Sequence[str], score: float, group: str, parts: Sequence[str]) -> dict[str, Any]:
    return {"id": row["uid"], "raw_text": results[0], "score": score, "group": group, "parts": list(parts)}
