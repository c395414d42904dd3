"""Pairs of probing questions: from every kind of table, deduplicated, capped, and none changed by other rows."""

import base64
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from builders.errors import InputError
from recipes.probe.facts import facts_of_dataset, facts_of_table
from recipes.probe.pair_files import read_pairs
from recipes.probe.pairs import Fact, PairSettings, make_pairs
from recipes.probe.wording import AXIS_OF, OPPOSITE, STYLES, asked_by
from recipes.probing import app
from tests.recipes.made import jpeg, make_folder, mixed_rows

CLOSE = "Compared to {b}, is {a} far or close from you? Answer with only one word."


def table(path: Path, rows: list[dict]) -> Path:
    """In the form that the name ends in."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        lines = ["\t".join(rows[0])] + ["\t".join(str(cell) for cell in row.values()) for row in rows]
        path.write_text("\n".join(lines) + "\n")
    return path


def text_of(level: int) -> str:
    return base64.b64encode(jpeg(level)).decode()


# ---------------------------------------------------------------- tables


def test_tunnel_pairs_are_those_of_the_dataset(tunnel: str):
    """The dataset states the swapped question of each row itself: another route to the same pair."""
    from recipes.questions import open_questions

    stated = {str(row["index"]): (row["question"], row["swapped_question"], row["category"])
              for row in open_questions(tunnel, None, "contrastive_probing").rows}
    facts = facts_of_dataset(tunnel)
    made = make_pairs(facts.facts, PairSettings(mirrored="keep")).pairs
    assert len(made) == 24
    assert {pair.category for pair in made} == set(AXIS_OF)
    assert all(stated[pair.row] == (pair.question, pair.swapped_question, pair.category) for pair in made)


def test_of_two_rows_that_are_each_others_swap_one_is_kept(tunnel: str):
    facts = facts_of_dataset(tunnel).facts
    kept = make_pairs(facts, PairSettings()).pairs
    both = make_pairs(facts, PairSettings(mirrored="keep")).pairs
    assert len(kept) == len(both) / 2
    assert len({(pair.image_id, pair.axis, frozenset((pair.first, pair.second))) for pair in kept}) == len(kept)


def test_published_tsv_with_four_columns(tmp_path: Path):
    above = "Is the red cube above or below the cube and ball? Answer with only one word."
    rows = [{"index": 7, "image": text_of(1), "question": CLOSE.format(a="red cube", b="blue sphere"),
             "answer": "close"},
            {"index": 8, "image": text_of(2), "question": above, "answer": "beneath"}]
    facts = facts_of_table(table(tmp_path / "t.tsv", rows)).facts
    assert [(fact.row, fact.first, fact.second, fact.category) for fact in facts] == [
        ("7", "red cube", "blue sphere", "close"), ("8", "red cube", "cube and ball", "below")]


def embspatial_row(number: int, relation: str, options: list[str], answer: int, objects: list[str]) -> dict:
    return {"question_id": f"mp3d_{number}", "question": "Which?", "relation": relation, "answer_options": options,
            "answer": answer, "objects": [{"name": name, "bbox": [0, 0, 5, 5]} for name in objects],
            "image": {"bytes": jpeg(number), "path": None}}


def test_embspatial_directions_and_distances(tmp_path: Path):
    places = ["The lamp is above the office chair.", "The lamp is under the office chair.",
              "The lamp is to the left of the office chair.", "The lamp is to the right of the office chair."]
    names = ["bed", "Unknown", "door", "rug"]
    rows = [embspatial_row(1, "under", places, 1, ["lamp", "office chair"]),
            embspatial_row(2, "left", places, 2, ["lamp", "office chair"]),
            embspatial_row(3, "far", names, 2, names),
            embspatial_row(4, "close", ["bed", "Unknown", "n/a", "nan"], 0, names),
            embspatial_row(5, "left", places, 3, ["lamp", "office chair"]),
            embspatial_row(6, "above", places, 0, ["lamp", "chair"])]
    found = facts_of_table(table(tmp_path / "e.parquet", rows))
    said = {fact.row: (fact.first, fact.second, fact.category) for fact in found.facts}
    assert said.pop("mp3d_3") in [("door", "bed", "far"), ("door", "rug", "far")]
    assert said == {"mp3d_1": ("lamp", "office chair", "below"), "mp3d_2": ("lamp", "office chair", "left")}
    assert found.left_out == {"no two options with a name": 1, "option not understood": 1,
                              "names are not those of the boxes": 1}


def test_the_distractor_does_not_depend_on_other_rows(tmp_path: Path):
    names = ["bed", "cup", "door", "rug"]
    rows = [embspatial_row(n, "far", names, n % 4, names) for n in range(30)]
    first = facts_of_table(table(tmp_path / "a.parquet", rows)).facts
    fewer = facts_of_table(table(tmp_path / "b.parquet", rows[::-3])).facts
    assert set(fewer) < set(first)
    assert len({fact.second for fact in first}) == 4


def test_a_table_of_ones_own_with_pictures_in_files(tmp_path: Path):
    (tmp_path / "p.jpg").write_bytes(jpeg(3))
    rows = [{"image": "p.jpg", "first": "mug", "second": "pan", "category": word} for word in ("left", "Far", "beside")]
    found = facts_of_table(table(tmp_path / "own.jsonl", [*rows, {**rows[0], "image": "absent.jpg"}]))
    assert [(fact.row, fact.category) for fact in found.facts] == [("0", "left"), ("1", "far")]
    assert found.left_out == {"unknown category": 1, "image unreadable": 1}


def test_tables_that_cannot_serve_are_refused(tmp_path: Path, tunnel: str):
    row = {"image": text_of(1), "first": "mug", "second": "pan", "category": "beside"}
    with pytest.raises(InputError, match="1 unknown category"):
        facts_of_table(table(tmp_path / "words.jsonl", [row]))
    with pytest.raises(InputError, match="expected image and first, second, category"):
        facts_of_table(table(tmp_path / "columns.jsonl", [{"image": "", "name": ""}]))
    with pytest.raises(InputError, match="no split phase_variation"):
        facts_of_dataset(tunnel, config="phase_variation")
    with pytest.raises(InputError, match="no pairs for probing"):
        facts_of_dataset(str(make_folder(tmp_path / "spar", mixed_rows(1, scenes=1))))


# ---------------------------------------------------------------- what becomes of facts


def facts(count: int) -> list[Fact]:
    return [Fact(str(n), f"thing {n % 5}", f"object {n % 7}", ("left", "right")[n % 2], f"image {n}", f"image {n}")
            for n in range(count)]


def test_the_cap_draws_the_same_rows_whatever_else_there_is():
    everything = make_pairs(facts(60), PairSettings(per_category=10))
    assert [sum(pair.category == name for pair in everything.pairs) for name in ("left", "right")] == [10, 10]
    assert everything.left_out["over the cap"] == 40
    chosen = {pair.row for pair in everything.pairs}
    some = [fact for fact in facts(60) if fact.row in chosen or int(fact.row) % 3]
    fewer = make_pairs(some, PairSettings(per_category=10))
    assert {pair.row for pair in fewer.pairs} == chosen
    assert {pair.row for pair in make_pairs(facts(60), PairSettings(per_category=10, seed=1)).pairs} != chosen


def test_duplicates_and_equal_names_are_counted():
    same = Fact("0", "mug", "pan", "left", "i", "i")
    made = make_pairs([same, Fact("1", "Mug ", "pan", "right", "i", "i"), Fact("2", "mug", "mug", "left", "i", "i"),
                       Fact("3", "mug", "pan", "far", "i", "i")], PairSettings())
    assert [pair.row for pair in made.pairs] == ["0", "3"]
    assert made.left_out == {"duplicate": 1, "same name twice": 1, "over the cap": 0}


def test_every_style_words_every_axis_and_swaps_the_names_alone():
    made = make_pairs([Fact(category, "mug", "pan", category, category, "g") for category in AXIS_OF],
                      PairSettings(tuple(STYLES))).pairs
    assert len(made) == 5 * 6
    assert len({pair.id for pair in made}) == len(made)
    for pair in made:
        assert pair.question.replace("mug", "#").replace("pan", "mug").replace("#", "pan") == pair.swapped_question
        for word in (pair.category, OPPOSITE[pair.category]):
            assert word in pair.question
    for pair in made[::5]:
        assert asked_by(pair.question) == (pair.axis, "mug", "pan")


def test_unknown_choices_are_refused():
    for wrong, option in ((dict(styles=("loud",)), "--style"), (dict(mirrored="both"), "--mirrored"),
                          (dict(per_category=-1), "--per-category")):
        with pytest.raises(InputError, match=option):
            PairSettings(**wrong)


# ---------------------------------------------------------------- files


def test_the_command_writes_pairs_and_pictures(tunnel: str, tmp_path: Path):
    result = CliRunner().invoke(app, ["pairs", "--dataset", tunnel, "--style", "all", "--out", str(tmp_path / "p")])
    assert result.exit_code == 0, result.output
    held = read_pairs(tmp_path / "p")
    assert len(held.pairs) == 12 * len(STYLES)
    assert held.about["left_out"]["mirrored"] == 12
    pictures = held.pictures({pair.image_id for pair in held.pairs})
    assert len(pictures) == 4 and all(data.startswith(b"\x89PNG") for data in pictures.values())
    again = CliRunner().invoke(app, ["pairs", "--dataset", tunnel, "--style", "all", "--out", str(tmp_path / "q")])
    assert again.exit_code == 0 and read_pairs(tmp_path / "q").sha256 == held.sha256


def test_one_source_has_to_be_given(tmp_path: Path):
    result = CliRunner().invoke(app, ["pairs", "--out", str(tmp_path)])
    assert isinstance(result.exception, InputError) and "--dataset" in str(result.exception)
