"""Mixes, plans and rows: what is trained on, and in which order. No model is needed."""

import io
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Features, Image, List, Value
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from builders.errors import InputError
from builders.spar.markers import COLORS
from recipes.finetuning.conversations import Unreadable, read_conversation
from recipes.finetuning.fine_tune import open_data
from recipes.finetuning.general_rows import GeneralRows
from recipes.finetuning.mix import Mix, Source, counts_of, read_mix, with_datasets
from recipes.finetuning.own_rows import OwnRows
from recipes.finetuning.plan import make_plan, size_of, strata_of
from recipes.finetuning.samples import PlannedSamples
from recipes.finetuning.settings import TrainSettings
from recipes.finetuning.streamed_rows import StreamedRows
from tests.commands import run
from tests.recipes.made import jpeg, make_7m_folder, make_folder, make_row, mixed_rows

MIXES = Path(__file__).parents[2] / "recipes" / "mixes"


def seen(data) -> list[tuple[str, str]]:
    """(source, uid) of every sample in order."""
    samples = PlannedSamples(data.plan, data.rows)
    return [(sample.source, sample.uid) for sample in map(samples.__getitem__, range(len(samples)))]


def with_pictures(rows: list[dict]) -> list[dict]:
    return [row | {"image": [{"bytes": jpeg(40 + 3 * view), "path": "a.jpg"} for view in range(len(row["image"]))]}
            for row in rows]


def empty_png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Pillow.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """40 questions of four tasks."""
    return make_folder(tmp_path / "bench", with_pictures(mixed_rows(10, scenes=2)))


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """30 conversations, of which 25 can be read."""
    def row(question: str, answers: list[str], pictures: int) -> dict:
        said = [{"from": "human", "value": question}, *({"from": "gpt", "value": answer} for answer in answers)]
        return {"conversations": said, "image": [jpeg(9)] * pictures}

    good = [row(f"<image>\nWhat is {i}?", [f"A {i}."], 1) for i in range(25)]
    bad = [row("<image><image>Two?", ["No."], 1)] * 3 + [row("?", [], 0)] * 2
    turn = {"from": Value("string"), "value": Value("string")}
    features = Features({"conversations": [turn], "image": List(Image())})
    Dataset.from_list(bad[:2] + good + bad[2:], features=features).to_parquet(tmp_path / "chats" / "train.parquet")
    return tmp_path / "chats"


# ---------------------------------------------------------------- counts and order


@given(total=st.integers(1, 5000), sizes=st.lists(st.integers(1, 400), min_size=1, max_size=5),
       weights=st.lists(st.integers(1, 9), min_size=5, max_size=5), epochs=st.integers(1, 3), seed=st.integers(0, 99))
def test_counts_and_shares_are_as_declared(total: int, sizes: list[int], weights: list[int], epochs: int, seed: int):
    used = weights[: len(sizes)]
    mix = Mix("", None, tuple(Source(str(i), share=Fraction(w, sum(used))) for i, w in enumerate(used)))
    available = {str(i): size for i, size in enumerate(sizes)}
    counts = counts_of(mix, available, total)
    assert sum(counts.values()) == total
    assert all(abs(count - total * w / sum(used)) < 1 for count, w in zip(counts.values(), used))
    plan = make_plan({name: [np.arange(size)] for name, size in available.items()}, counts, epochs, seed)
    assert len(plan) == epochs * total
    for number, (name, size) in enumerate(available.items()):
        for epoch in range(epochs):
            part = slice(epoch * total, (epoch + 1) * total)
            rows = plan.row[part][plan.source[part] == number]
            times = np.bincount(rows, minlength=size)
            assert times.sum() == counts[name] and times.max(initial=0) - times.min() <= 1  # no row again too early
            turns = rows[: counts[name] // size * size].reshape(-1, size)
            assert (np.sort(turns, axis=1) == np.arange(size)).all()
            first = plan.row[:total][plan.source[:total] == number]
            assert Counter(rows.tolist()) == Counter(first.tolist())  # every epoch has the same rows
        running = np.cumsum(plan.source[:total] == number) - counts[name] / total * np.arange(1, total + 1)
        assert np.abs(running).max() <= len(sizes) + 1  # and never more than a few samples off its share


def test_epochs_and_seeds_differ_in_order_and_a_seed_repeats():
    def rows(seed: int) -> list[int]:
        return make_plan({"a": [np.arange(300)]}, {"a": 100}, 2, seed).row.tolist()

    first = rows(0)
    assert first == rows(0)
    assert sorted(first[:100]) == sorted(first[100:]) and first[:100] != first[100:]
    assert set(first) != set(rows(1))


def test_balanced_by_the_heuristic():
    tags = np.array(["consistent"] * 70 + ["counter"] * 20 + ["ambiguous"] * 6 + [""] * 14)
    strata = strata_of(np.arange(len(tags)), tags)
    assert size_of(strata) == 20 + 20 + 20
    plan = make_plan({"a": strata}, {"a": 60}, 1, seed=0)
    assert Counter(tags[plan.row].tolist()) == {"consistent": 20, "counter": 20, "ambiguous": 6, "": 14}
    more = Counter(tags[make_plan({"a": strata}, {"a": 240}, 1, seed=0).row].tolist())
    assert more["consistent"] == more["counter"] == 80


def test_a_balanced_source_takes_its_tags_from_the_rows(tmp_path: Path):
    tags = ["consistent"] * 12 + ["counter"] * 4 + [""] * 4
    rows = [make_row("depth_prediction_oc", i, "1.5", heuristic=tag) for i, tag in enumerate(tags)]
    folder = make_folder(tmp_path / "bench", with_pictures(rows))
    source = Source("a", str(folder), split="test", balance="heuristic")
    found = seen(open_data(Mix("m", None, (source,)), None, TrainSettings(), progress=False))
    assert Counter(tags[int(uid.rpartition("/")[2])] for _, uid in found) == {"consistent": 4, "counter": 4, "": 4}


def test_a_mix_is_what_the_samples_are(bench: Path, chats: Path, tmp_path: Path):
    """SPAR-mix, with rows left out by their columns; counted from what is read."""
    path = tmp_path / "mix.yaml"
    path.write_text("sources:\n  spar: {split: test, where: {format_type: select}, share: 0.4}\n"
                    "  general: {share: 0.6}\n")
    mix = with_datasets(read_mix(path), [f"spar={bench}", f"general={chats}"])
    data = open_data(mix, 50, TrainSettings(epochs=2), progress=False)
    found = seen(data)
    for epoch in (found[:50], found[50:]):
        assert Counter(name for name, _ in epoch) == {"spar": 20, "general": 30}
        assert len({uid for name, uid in epoch if name == "spar"}) == 20  # all that select, once
        assert max(Counter(uid for name, uid in epoch if name == "general").values()) == 2  # 25 for 30
    assert all("/select/" in uid for name, uid in found if name == "spar")
    assert data.rows["general"].provenance["left_out"] == {
        "the marks <image> are not as many as the pictures": 3, "questions and answers do not take turns": 2}
    assert "60.0%   each 1.2 times" in data.text()


def test_published_mixes_have_their_published_counts():
    published = dict(zip(
        ("80k", "400k", "800k", "2m"), zip(*(map(int, line.split(",")[2:]) for line in (
            Path(__file__).parents[2] / "recipes/published/finetuning_mix.csv").read_text().splitlines()
            if line[:4] in ("SAT,", "Robo", "SPAR", "RefS", "PRIS")))))
    for size, counts in published.items():
        mix = read_mix(MIXES / f"far_looks_up_{size}.yaml")
        assert tuple(source.count for source in mix.sources) == counts
    spar = read_mix(MIXES / "spar_mix.yaml")
    assert [float(source.share) for source in spar.sources if source.share] == [0.4, 0.6] and spar.total == 2_000_000
    balanced = read_mix(MIXES / "spar_mix_balanced.yaml").sources
    assert [source.balance for source in balanced] == ["heuristic", ""]


@pytest.mark.parametrize(("text", "problem"), [
    ("sources: {a: {share: 0.5}, b: {share: 0.6}}", "shares add up to 1.1, not to 1"),
    ("sources: {a: {share: 0.5}, b: {count: 10}}", "either every source has a share, or none has"),
    ("sources: {a: {shares: 1}}", "no key 'shares'; there are: dataset, revision"),
    ("sources: {a: {count: -1}}", "count: expected a number of samples, got -1"),
    ("sources: {a: {balance: tags}}", "balance: 'tags'; expected heuristic"),
    ("source: {}", "expected the keys title, total, sources"),
    ("sources: [", "not readable as YAML"),
])
def test_a_wrong_mix_says_what_is_wrong(tmp_path: Path, text: str, problem: str):
    path = tmp_path / "mix.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="mix.yaml.*" + problem.replace("(", r"\(")):
        read_mix(path)


def test_sources_must_be_given_and_known():
    mix = Mix("SPAR-mix", None, (Source("spar"), Source("general")))
    with pytest.raises(InputError, match="SPAR-mix: where is general"):
        with_datasets(mix, ["spar=a/b"])
    with pytest.raises(InputError, match="no source of this name; it has: spar, general"):
        with_datasets(mix, ["spars=a/b"])
    given = with_datasets(mix, ["spar=org/SPAR@v0.2.0", "general=x"]).sources
    assert [(source.dataset, source.revision) for source in given] == [("org/SPAR", "v0.2.0"), ("x", "")]


def test_the_command_shows_what_it_would_train_on(bench: Path, chats: Path, tmp_path: Path):
    path = tmp_path / "mix.yaml"
    path.write_text("sources: {spar: {split: test, count: 30}, general: {count: 10}}")
    given = ["--model", "org/model", "--out", tmp_path / "out", "--mix", path, "--source", f"spar={bench}"]
    done = run("recipes/finetune.py", *given, "--source", f"general={chats}", "--total", 20, "--dry-run")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0 and not (tmp_path / "out").exists()
    assert ["spar", "40", "15", "75.0%"] in lines and ["general", "25", "5", "25.0%"] in lines
    for arguments, problem in (
        ([], "mix: where is general? Give --source general=DATASET"),
        (["--source", f"general={tmp_path / 'none'}"], "no such folder; build it with scripts/build.py, or name a"),
        (["--source", f"general={chats}", "--set", "rate=1"], "--set rate=1: expected KEY=VALUE with one of these"),
    ):
        failed = run("recipes/finetune.py", *given, *arguments)
        assert failed.returncode == 2 and problem in failed.stderr and failed.stderr.count("\n") == 1


# ---------------------------------------------------------------- our rows


def test_rows_are_read_in_any_order_and_markers_are_drawn(tmp_path: Path):
    """Of SPAR-7M, whose pictures are bare; SPAR-Bench has its markers in the pictures."""
    buffer = io.BytesIO()
    Pillow.new("RGB", (200, 100), (90, 90, 90)).save(buffer, "PNG")
    red = {"object_id": "1", "label": "bed", "color": "red", "image_index": 0, "point": [500, 500], "bbox": None}
    rows = [make_row("depth_prediction_oc", i, f"1.{i}", objects=[red], question=f"How far {i}?",
                     image=[{"bytes": buffer.getvalue(), "path": "a.png"}]) for i in range(20)]
    seven = OwnRows(Source("a", str(make_7m_folder(tmp_path / "7m", rows)), split="validation"), "bare")
    bench = OwnRows(Source("a", str(make_folder(tmp_path / "bench", rows)), split="test"), "bare")
    plan = make_plan({"a": [np.arange(20)]}, {"a": 20}, 1, seed=0)
    for rows_of, color in ((seven, COLORS["red"]), (bench, (90, 90, 90))):
        samples, small = PlannedSamples(plan, {"a": rows_of}), PlannedSamples(plan, {"a": rows_of}, longest_side=50)
        for position, row in enumerate(plan.row.tolist()):
            sample = samples[position]
            assert sample.uid.endswith(f"/{row}")
            assert sample.messages[0]["content"] == [{"type": "image"}, {"type": "text", "text": f"How far {row}?"}]
            assert sample.messages[1]["content"][0]["text"] == f"1.{row}"
            assert sample.views[0].size == (200, 100) and sample.views[0].getpixel((100, 50)) == color
            assert small[position].views[0].size == (50, 25)


def test_questions_are_put_as_the_recipes_put_them(bench: Path):
    row = OwnRows(Source("a", str(bench), split="test", where={"task": ("obj_spatial_relation_oo",)}), "published")
    text = row.sample(int(row.strata[0][0])).messages[0]["content"][-1]["text"]
    assert text.endswith("D. below\n\nAnswer with the option's letter from the given choices directly.")


@pytest.mark.parametrize(("source", "problem"), [
    ({"split": "train"}, "no split any/train; there are: default/test"),
    ({"split": "test", "where": {"colour": ("red",)}}, "has no column 'colour'; it has: id, "),
    ({"split": "test", "where": {"task": ("room_size",)}}, r"no row of .* has \{'task': \('room_size',\)\}"),
])
def test_what_a_dataset_has_not_is_said(bench: Path, source: dict, problem: str):
    with pytest.raises(InputError, match=problem):
        OwnRows(Source("a", str(bench), **source), "bare")


def test_rows_without_their_pictures_are_refused_before_training(tmp_path: Path):
    folder = make_folder(tmp_path / "bench", mixed_rows(2, scenes=1))
    with pytest.raises(InputError, match="refers to its pictures but does not hold them; give your scans"):
        open_data(Mix("m", None, (Source("a", str(folder), split="test"),)), None, TrainSettings(), progress=False)


# ---------------------------------------------------------------- general rows


@pytest.mark.parametrize("turns", [
    [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A bed."}],
    [{"role": "user", "content": "<image>What?"}, {"role": "assistant", "content": "A bed."}],
    [{"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": "What?"}]},
     {"role": "assistant", "content": [{"type": "text", "text": "A bed."}]}],
    [{"user": "What?", "assistant": "A bed."}],
    [{"from": "human", "value": "What?"}, {"from": "gpt", "value": "A bed."}],
])
def test_every_form_gives_one_conversation(turns: list):
    assert read_conversation(turns, 1) == [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "A bed."}]}]


@pytest.mark.parametrize(("turns", "problem"), [
    (None, "no list"), ([], "no list"), (["a"], "no list"),
    ([{"from": "human", "value": "a"}], "take turns"),
    ([{"from": "gpt", "value": "a"}, {"from": "human", "value": "b"}], "take turns"),
    ([{"from": "human", "value": "a"}, {"from": "gpt", "value": " "}], "an answer is empty"),
    ([{"from": "human", "value": "a"}, {"from": "gpt", "value": None}], "without text"),
    ([{"from": "human", "value": "<video>a"}, {"from": "gpt", "value": "b"}], "<video>"),
    ([{"from": "tool", "value": "a"}], "a turn of 'tool'"),
])
def test_what_is_no_conversation_is_said(turns: object, problem: str):
    with pytest.raises(Unreadable, match=problem):
        read_conversation(turns, 0)


def test_a_json_file_as_trainers_take_it(tmp_path: Path):
    """Paths of pictures count from its folder; a line that cannot be read is left out, and counted."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(jpeg(200))
    said = [{"from": "human", "value": "<image>\nBright?"}, {"from": "gpt", "value": "Yes"}]
    lines = [{"image": "images/a.jpg", "conversations": said}, {"image": None, "conversations": said}]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = GeneralRows(Source("g", str(path)), progress=False)
    assert [held.tolist() for held in rows.strata] == [[0]]
    samples = PlannedSamples(make_plan({"g": rows.strata}, {"g": 1}, 1, seed=0), {"g": rows})
    assert samples[0].views[0].getpixel((0, 0)) == pytest.approx((200, 200, 200), abs=3) and not samples[0].problem
    (tmp_path / "images" / "a.jpg").unlink()
    assert samples[0].problem == "a picture cannot be read (FileNotFoundError)"
    path.write_text(json.dumps(lines[1]) + "\n")
    with pytest.raises(InputError, match=r"no row of .* can be read .*of 1: the marks <image> are not as many"):
        GeneralRows(Source("g", str(path)), progress=False)


def test_a_stream_gives_the_same_rows_to_whoever_asks(chats: Path):
    """In order, from the middle (as after an interruption), and in steps, as one of several workers asks."""
    DataLoader = pytest.importorskip("torch.utils.data", reason="the extra `models` is not installed").DataLoader
    source = Source("g", str(chats), stream=True, count=60)
    data = open_data(Mix("m", None, (source,)), None, TrainSettings(seed=3), progress=False)
    assert data.plan.row.tolist() == [*range(60)] and "streamed" in data.text()

    def asked(rows: list[int]) -> dict[int, str]:
        held = StreamedRows(source, 3)
        return {row: held.sample(row).messages[1]["content"][0]["text"] for row in rows}

    whole = asked([*range(60)])
    assert sorted(list(whole.values())[:25]) == sorted(f"A {i}." for i in range(25))  # all that can be read, once
    assert list(whole.values())[:25] != list(whole.values())[25:50]
    for some in ([*range(40, 60)], [*range(1, 60, 3)], [50, 3]):
        assert asked(some) == {row: whole[row] for row in some}
    loader = DataLoader(PlannedSamples(data.plan, data.rows), batch_size=4, num_workers=2, collate_fn=list)
    answers = [sample.messages[1]["content"][0]["text"] for batch in loader for sample in batch]
    assert answers == list(whole.values())


def test_a_stream_needs_a_count(chats: Path):
    for source, problem in ((Source("g", str(chats), stream=True), "give it a count"),
                            (Source("g", str(chats), stream=True, share=Fraction(1)), "give --total")):
        with pytest.raises(InputError, match=problem):
            open_data(Mix("m", None, (source,)), None, TrainSettings(), progress=False)


def test_a_picture_that_cannot_be_read_is_not_learned_from(tmp_path: Path):
    rows = [make_row("depth_prediction_oc", i, "1.5", image=[{"bytes": data, "path": "a"}])
            for i, data in enumerate((jpeg(9), b"no picture", empty_png(20000, 20000), empty_png(1, 200)))]
    source = Source("a", str(make_folder(tmp_path / "bench", rows)), split="test")
    plan = make_plan({"a": [np.arange(4)]}, {"a": 4}, 1, seed=0)
    samples = PlannedSamples(plan, {"a": OwnRows(source, "bare")}, multiple=3)
    problems = {samples[i].uid[-1]: samples[i].problem for i in range(4)}
    assert problems == {"0": "", "1": "a picture cannot be read (UnidentifiedImageError)",
                        "2": "a picture cannot be read (DecompressionBombError)", "3": "a picture is too narrow"}
    assert len(samples) == 6 and samples[5].problem == "fills the last step"
