"""Facts for pairs, from datasets and tables: SpatialTunnel's ``contrastive_probing``, EmbSpatial-Bench, or any table
with two objects and a category.

Tables are told apart by their columns: ``first``, ``second``, ``category`` (any table); ``question_id`` and options
(EmbSpatial-Bench as JSON, Parquet or TSV); ``question`` in published wording (the published SpatialTunnel TSV, four
columns or more). Rows that make no fact are counted by reason.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builders.errors import InputError
from builders.randomness import generator
from builders.tagged import embspatial
from builders.tagged.cells import text
from builders.tagged.files import fingerprint, open_rows
from builders.tagged.images import decoded_size, encoded
from recipes.probe.pairs import Fact
from recipes.probe.wording import AXIS_OF, asked_by, category_named
from recipes.questions import Questions, Row, open_manifest, open_questions

_DIRECTION = re.compile(
    r"(?:the )?(?P<a>.+?) (?:is|are) (?:[a-z]+ )*?(?P<relation>left|right|above|under|below|beneath)\b"
    r"(?: side)?(?: of)? (?:the )?(?P<b>.+?)\.?", re.IGNORECASE)
"""A correct option of EmbSpatial-Bench about a direction."""


@dataclass
class FactTable:
    """What a dataset or table holds."""

    dataset: dict[str, Any]
    """``repo``, ``revision`` and ``manifest_sha256``, as results.json names it."""
    facts: list[Fact] = field(default_factory=list)
    images: dict[str, bytes] = field(default_factory=dict)
    """image_id -> encoded picture."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Reason -> rows."""


class NoFact(Exception):
    """Why a row makes no fact."""


@dataclass(frozen=True)
class Relation:
    """What a row says, without its picture."""

    first: str
    second: str
    category: str
    heuristic: str = ""


def facts_of_dataset(
    dataset: str, revision: str | None = None, config: str = "", split: str = "test", seed: int = 0
) -> FactTable:
    """The facts of a Vantage folder or repository.

    Raises:
        InputError: no such dataset, config or split; or one without probing questions.
    """
    held = open_manifest(dataset, revision)["dataset"]
    questions = open_questions(dataset, revision, config or _DEFAULT_CONFIG.get(held, ()), split)
    name = questions.manifest["dataset"]
    if name not in _DATASETS or (questions.rows and not _DATASETS[name][1] <= questions.rows[0].keys()):
        raise InputError(f"{dataset}: {name} {questions.config} has no pairs for probing; take spatial_tunnel --config "
                         "contrastive_probing, embspatial_tagged, or --table FILE")
    read, _, shared = _DATASETS[name]
    source = {"repo": questions.repo, "revision": questions.revision, "manifest_sha256": questions.manifest_sha256}
    return _read(_with_pictures(questions), read, source, seed, shared)


def facts_of_table(path: Path, seed: int = 0) -> FactTable:
    """The facts of a file: Parquet, JSON, JSON Lines or TSV. Pictures are bytes, base64, or paths beside the file.

    Raises:
        InputError: unreadable, or of columns that say nothing of two objects.
    """
    file = open_rows(path)
    form = next((form for form in _TABLES if form.needs <= set(file.columns)), None)
    if form is None:
        raise InputError(f"{path}: has the columns {', '.join(file.columns)}; expected image and first, second, "
                         "category; or question and answer in the wording of SpatialTunnel; or EmbSpatial-Bench's")
    source = {"repo": path.name, "revision": None, "manifest_sha256": fingerprint(file)}
    rows = ((str(row.get("question_id") or row.get("index", row.get("id", number))), row,
             _picture(row.get("image"), path.parent)) for number, row in enumerate(file.rows()))
    return _read(rows, form.read, source, seed, "")


def _read(
    rows: Iterable[tuple[str, Row, bytes | None]], read: "ReadRow", source: dict[str, Any], seed: int, shared: str
) -> FactTable:
    """
    Args:
        rows: (id, row, picture).
        shared: column of what shares its errors; none: the picture.
    """
    table, ids = FactTable(source), set()
    for row_id, row, data in rows:
        try:
            if row_id in ids:
                raise NoFact("id of another row")
            if decoded_size(data) is None:
                raise NoFact("image unreadable")
            relation = read(row_id, row, seed)
            if not relation.first.strip() or not relation.second.strip():
                raise NoFact("object without a name")
        except NoFact as reason:
            table.left_out[str(reason)] += 1
            continue
        assert data is not None
        ids.add(row_id)
        image_id = hashlib.sha256(data).hexdigest()[:16]
        table.images[image_id] = data
        table.facts.append(Fact(row_id, relation.first.strip(), relation.second.strip(), relation.category, image_id,
                                str(row[shared]) if shared else image_id, relation.heuristic))
    if not table.facts:
        raise InputError(f"{source['repo']}: no row gives a pair of questions "
                         f"({_counted(table.left_out) or 'no rows'})")
    return table


def _with_pictures(questions: Questions) -> Iterator[tuple[str, Row, bytes | None]]:
    for position, (data, *_) in questions.views(range(len(questions.rows))):
        row = questions.rows[position]
        yield str(row.get("question_id") or row.get("index")), row, data


def _picture(cell: Any, folder: Path) -> bytes | None:
    name = cell.get("path") if isinstance(cell, dict) and not cell.get("bytes") else cell
    if isinstance(name, str) and len(name) < 1024 and (folder / name).is_file():
        return (folder / name).read_bytes()
    return encoded(cell)


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())


# ---------------------------------------------------------------- rows

ReadRow = Callable[[str, Row, int], Relation]
"""(id, row, seed) -> what it says; raises ``NoFact``."""


def _any_row(row_id: str, row: Row, seed: int) -> Relation:
    return Relation(text(row["first"]) or "", text(row["second"]) or "", _category(row["category"]),
                    text(row.get("heuristic")) or "")


def _tunnel_row(row_id: str, row: Row, seed: int) -> Relation:
    asked = asked_by(text(row["question"]) or "")
    if asked is None:
        raise NoFact("question not in published wording")
    category = _category(row.get("category") or row["answer"])
    if AXIS_OF[category] != asked.axis:
        raise NoFact("answer of another axis")
    return Relation(asked.first, asked.second, category, text(row.get("heuristic")) or "")


def _embspatial_row(row_id: str, row: Row, seed: int) -> Relation:
    tag = {name: row.get(name) for name in ("heuristic", "far_object", "near_object")}
    row = embspatial.published_row(row, {}) | tag | {"height": 0}
    options, answer = row["answer_options"], row["answer"]
    if answer is None or not 0 <= answer < len(options):
        raise NoFact("answer is no option")
    category = _category(row["relation"])
    depth = embspatial.depth_question(row, (), "", 0.0)
    if depth is None:
        return _direction(options[answer] or "", category, row)
    others = [name for name in depth.others if name != depth.target]
    if not depth.target or not others:
        raise NoFact("no two options with a name")
    # As the tag `random_distractor` is drawn, so that where all options have boxes the pair is the tagged one.
    second = others[generator("random_distractor", seed, row["question_id"]).integers(len(others))]
    tagged = {row["far_object"], row["near_object"]} == {depth.target, second}
    return Relation(depth.target, second, category, (row["heuristic"] or "") if tagged else "")


def _direction(option: str, category: str, row: Row) -> Relation:
    found = _DIRECTION.fullmatch(option.strip())
    if found is None or category_named(found["relation"]) != category:
        raise NoFact("option not understood")
    known = {item["name"].lower() for item in row["objects"] if item["name"]}
    if known and not {found["a"].lower(), found["b"].lower()} <= known:
        raise NoFact("names are not those of the boxes")
    return Relation(found["a"], found["b"], category)


def _category(word: Any) -> str:
    category = category_named(word)
    if category is None:
        raise NoFact("unknown category")
    return category


_DEFAULT_CONFIG = {"spatial_tunnel": "contrastive_probing"}
_DATASETS: dict[str, tuple[ReadRow, set[str], str]] = {
    "spatial_tunnel": (_tunnel_row, {"question", "category"}, "scene_id"),
    "embspatial_tagged": (_embspatial_row, {"relation", "answer_options"}, ""),
}
"""Dataset -> how to read its rows, what they must have, and the column of what shares its errors."""


@dataclass(frozen=True)
class _TableForm:
    needs: set[str]
    read: ReadRow


_TABLES = (
    _TableForm({"image", "first", "second", "category"}, _any_row),
    _TableForm({"image", "question_id", "question", "answer", "answer_options"}, _embspatial_row),
    _TableForm({"image", "question_id", "question", "answer", "A", "B"}, _embspatial_row),
    _TableForm({"image", "question", "answer"}, _tunnel_row),
)
