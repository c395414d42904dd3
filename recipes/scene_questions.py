"""The questions of ScanQA and SQA3D, as their makers release them, about ScanNet scenes that the user holds.

* ScanQA (Azuma et al. 2022): ``ScanQA_v1.0_<split>.json``, a list of ``scene_id``, ``question_id``, ``question``,
  ``answers``, ``object_ids``, ``object_names``. The test splits come without answers.
* SQA3D (Ma et al. 2023): ``v1_balanced_questions_<split>_scannetv2.json`` with ``questions`` (``scene_id``,
  ``situation``, ``question``, ``question_id``) and ``v1_balanced_sqa_annotations_<split>_scannetv2.json`` with
  ``annotations`` (``question_id``, ``answers`` of ``answer``). The situation is asked with the question.

A row that cannot be asked or scored is left out and counted by reason. Rows are sorted by scene, so that a scene is
loaded once.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from builders.errors import InputError
from builders.hub.files import sha256_of
from builders.scenes.scene import SceneSource
from metrics._shared.phrases import plain_phrase
from recipes.questions import EncodedViews, Questions, Row
from recipes.scene_views import SceneViews

Record = Mapping[str, Any]


class LeftOut(Exception):
    """Why a row is not asked."""


_Reading = tuple[list[Record], Callable[[Record], Row]]


@dataclass(frozen=True)
class SceneQuestions(Questions):
    """Questions whose pictures come from scans."""

    source: SceneSource | None
    """None: there are no pictures."""
    shown: SceneViews
    left_out: dict[str, int]
    """Rows that are not asked, by reason."""

    def views(self, positions: Collection[int]) -> Iterator[tuple[int, EncodedViews]]:
        if self.source is None:
            yield from ((position, []) for position in sorted(set(positions)))
            return
        for scene_id, of_scene in groupby(sorted(set(positions)), lambda position: self.rows[position]["scene_id"]):
            pictures = self.shown.pictures(self.source, scene_id)
            for position in of_scene:
                yield position, [*pictures]


class Benchmark(NamedTuple):
    """One of the two."""

    files: Callable[[str], tuple[str, ...]]
    """Split -> names of its files."""
    read: Callable[[list[Any]], _Reading]
    """What the files hold -> its records, and how one of them becomes a row."""
    kind: Callable[[str], str]
    """What kind of question it is, by which the benchmark tells scores apart."""
    default_split: str


# ---------------------------------------------------------------- ScanQA

_SCANQA_KINDS = (
    ("place", ("Where",)), ("number", ("How many",)), ("color", ("What color", "What is the color")),
    ("object nature", ("What shape", "What type", "What kind")), ("object", ("What is",)),
)
"""In this order, by the words that a question contains: as the authors' score.py sorts them."""


def _scanqa(held: list[Any]) -> _Reading:
    return _listed(held[0], "ScanQA"), lambda record: _row(record, "", record.get("answers"))


def _scanqa_kind(question: str) -> str:
    return next((kind for kind, words in _SCANQA_KINDS if any(word in question for word in words)), "other")


# ---------------------------------------------------------------- SQA3D

_SQA3D_KINDS = ("what", "is", "how", "can", "which")


def _sqa3d(held: list[Any]) -> _Reading:
    questions, annotations = (_listed(part.get(key) if isinstance(part, dict) else None, "SQA3D")
                              for part, key in zip(held, ("questions", "annotations"), strict=True))
    answers = {str(record.get("question_id")): record.get("answers") for record in annotations}

    def row(record: Record) -> Row:
        if (key := str(record.get("question_id"))) not in answers:
            raise LeftOut("no annotation")
        given = answers[key]
        texts = [item.get("answer") for item in given if isinstance(item, dict)] if isinstance(given, list) else []
        return _row(record, _text(record, "situation"), texts)

    return questions, row


def _sqa3d_kind(question: str) -> str:
    first = question.strip().lower()
    return next((word for word in _SQA3D_KINDS if first.startswith(word)), "other")


BENCHMARKS: dict[str, Benchmark] = {
    "scanqa": Benchmark(lambda split: (f"ScanQA_v1.0_{split}.json",), _scanqa, _scanqa_kind, "val"),
    "sqa3d": Benchmark(lambda split: (f"v1_balanced_questions_{split}_scannetv2.json",
                                      f"v1_balanced_sqa_annotations_{split}_scannetv2.json"),
                       _sqa3d, _sqa3d_kind, "test"),
}
"""``--benchmark`` -> how it is read."""


# ---------------------------------------------------------------- both


def _listed(held: Any, name: str) -> list[Record]:
    if not isinstance(held, list):
        raise InputError(f"not the form in which {name} is released: no list of questions where it should be")
    return [record if isinstance(record, dict) else {} for record in held]


def _text(record: Record, key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value.strip():
        raise LeftOut(f"no {key}")
    return " ".join(value.split())


def _row(record: Record, situation: str, answers: Any) -> Row:
    given = record.get("question_id")
    if not isinstance(given, str | int) or isinstance(given, bool) or given == "":
        raise LeftOut("no question_id")
    scene_id, question = _text(record, "scene_id"), _text(record, "question")
    given_answers = answers if isinstance(answers, list) else []
    texts = [" ".join(text.split()) for text in given_answers if isinstance(text, str) and plain_phrase(text)]
    if not texts:
        raise LeftOut("no answers")
    return {"uid": str(given), "source": "scannet", "scene_id": scene_id, "situation": situation, "asked": question,
            "answers": texts}


def paths_of(benchmark: str, dataset: str, split: str) -> list[Path]:
    """The files of a split, in a folder or in what the release calls ``balanced`` or ``qa`` below it.

    Raises:
        InputError: no such benchmark or folder, or one without them.
    """
    if benchmark not in BENCHMARKS:
        raise InputError(f"--benchmark {benchmark}: expected one of: {', '.join(BENCHMARKS)}")
    split = split or BENCHMARKS[benchmark].default_split
    names = BENCHMARKS[benchmark].files(split)
    for folder in (Path(dataset), Path(dataset) / "balanced", Path(dataset) / "qa"):
        if all((folder / name).is_file() for name in names):
            return [folder / name for name in names]
    raise InputError(f"{dataset}: holds no {' and '.join(names)}; give the folder of {benchmark}'s files, and --split")


def questions_sha256(benchmark: str, dataset: str, split: str = "") -> str:
    """What identifies the questions of a split; arguments and errors as those of ``open_scene_questions``."""
    return _sha256(paths_of(benchmark, dataset, split))


def _sha256(paths: list[Path]) -> str:
    return hashlib.sha256("".join(sha256_of(path) for path in paths).encode()).hexdigest()


def open_scene_questions(
    benchmark: str, dataset: str, split: str = "", source: SceneSource | None = None, shown: SceneViews | None = None
) -> SceneQuestions:
    """Read the questions of a split.

    Args:
        split: empty: val of ScanQA, test of SQA3D.
        source: the scans; questions about scenes that it does not have are left out.

    Raises:
        InputError: files missing or of another form, or no question that can be asked.
    """
    split = split or (BENCHMARKS[benchmark].default_split if benchmark in BENCHMARKS else "")
    paths = paths_of(benchmark, dataset, split)
    held = []
    for path in paths:
        try:
            held.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: not readable as JSON ({error}); download it again") from error
    kind_of = BENCHMARKS[benchmark].kind
    scenes = None if source is None else set(source.scene_ids())
    left_out: Counter[str] = Counter()
    rows: dict[str, Row] = {}
    try:
        records, row_of = BENCHMARKS[benchmark].read(held)
    except InputError as error:
        raise InputError(f"{paths[0]}: {error}") from error
    for record in records:
        try:
            row = row_of(record)
            if row["uid"] in rows:
                raise LeftOut("a question_id that occurs before")
            if scenes is not None and row["scene_id"] not in scenes:
                raise LeftOut("its scene is not among the scans")
        except LeftOut as reason:
            left_out[str(reason)] += 1
            continue
        rows[row["uid"]] = row | {
            "question": f"{row['situation']} {row['asked']}".strip(), "answer": row["answers"][0],
            "task": kind_of(row["asked"]), "format_type": "phrase", "options": [], "metric": "phrase_match"}
    if not rows:
        raise InputError(f"{paths[0]}: no question that can be asked and scored ({_reasons(left_out)})")
    ordered = sorted(rows.values(), key=lambda row: row["scene_id"])  # stable: the order of the file within a scene
    manifest = {"dataset": benchmark, "version": "1.0", "rows": {f"{benchmark}/{split}": len(ordered)}}
    return SceneQuestions(dataset, None, _sha256(paths), manifest, benchmark, split, tuple(paths), ordered,
                          source, shown or SceneViews(), dict(left_out))


def _reasons(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{count} rows: {reason}" for reason, count in left_out.items()) or "there is none"
