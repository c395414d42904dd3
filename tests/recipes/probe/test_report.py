"""Recorded states in, report out: planted truth arrives in results.json, bad files end in one line."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("safetensors", reason="the extra `models` is not installed")

from safetensors.numpy import save_file

from builders.errors import InputError
from recipes.probe.across import relations
from recipes.probe.analysis import ReportSettings, analyse
from recipes.probe.outcome import write_outcome
from recipes.probe.pair_files import PairFile, read_pairs, save_pairs
from recipes.probe.recorded import import_states
from recipes.probe.state_files import StateFolder
from recipes.probing import app
from recipes.results import Results, read_results, write_results
from recipes.scoring import Score
from tests.recipes.probe.planted import Planted, planted

SCALES = (0.2, 0.6, 1.0, 0.9)
"""Of the steps at each layer: the third is the best."""


def layers(entanglement: float, seed: int = 0) -> list[Planted]:
    return [planted(entanglement, per_category=40, width=64, scale=scale, seed=seed) for scale in SCALES]


def released(truth: list[Planted]) -> dict[str, np.ndarray]:
    """In the layout of the released code."""
    arrays = {}
    for layer, held in enumerate(truth):
        rows = len(held.categories)
        arrays |= {f"orig_L{layer}": held.original.astype(np.float32),
                   f"swap_L{layer}": held.swapped.astype(np.float32),
                   f"delta_L{layer}": (held.swapped - held.original).astype(np.float32),
                   f"categories_L{layer}": np.array(held.categories), f"labels_L{layer}": np.array(held.categories),
                   f"indices_L{layer}": np.arange(rows), f"is_correct_orig_L{layer}": np.arange(rows) % 3 > 0,
                   f"is_correct_swap_L{layer}": np.arange(rows) % 2 > 0}
    return arrays


@pytest.fixture(scope="module")
def npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "vectors_2m.npz"
    np.savez_compressed(path, **released(layers(0.6)))
    return path


def do(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception:
        raise result.exception
    return result.output


@pytest.fixture(scope="module")
def reported(npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was imported and reported."""
    run = tmp_path_factory.mktemp("run")
    do("import", "--states", npz, "--model", "org/planted", "--out", run, "--n-layers", 5)
    do("report", run, "--out", run, "--permutations", 99)
    return run


def outcome(run: Path, **settings: int) -> Results:
    """What ``report`` writes into a run's folder, without drawing."""
    chosen = ReportSettings(**{"permutations": 0} | settings)
    write_outcome(analyse(run, chosen), chosen)
    return read_results(run)


# ---------------------------------------------------------------- outcome


def test_planted_truth_arrives_in_the_results(reported: Path):
    results, truth = read_results(reported), layers(0.6)[2]
    assert (results.recipe, results.model, results.dataset["repo"]) == ("probing", "org/planted", "vectors_2m.npz")
    assert results.settings["layer"]["chosen"] == 2
    for axis, expected in truth.coherence.items():
        held = results.metrics[f"coh_{axis}"]
        assert held.value == pytest.approx(expected, abs=0.04) and held.n == 80
        assert held.low < held.value < held.high and held.interval == "jackknife"
    assert results.metrics["vd_ei"].value == pytest.approx(truth.vd_ei, abs=0.12)
    assert results.settings["counts"]["both_correct"] == 80  # one in three: right in both
    assert results.metrics["both_correct/coh_vertical"].value == pytest.approx(truth.coherence["vertical"], abs=0.08)
    assert results.metrics["accuracy_distance"].value == pytest.approx((2 / 3 + 1 / 2) / 2, abs=0.02)


def test_every_layer_stands_in_the_table(reported: Path):
    with (reported / "layers.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["pairs"] == "all" and row["figure"] == "coh_vertical"]
    assert [int(row["layer"]) for row in rows] == [0, 1, 2, 3]
    expected = [held.coherence["vertical"] for held in layers(0.6)]
    assert [float(row["value"]) for row in rows] == pytest.approx(expected, abs=0.04)
    assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in rows)


class Page(HTMLParser):
    """Tags that were opened and must be closed, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag in ("table", "figure", "svg", "div", "section", "dl"):
            self.open.append(tag)
        for name, value in attributes:
            assert name not in ("src", "href") or not value.startswith(("http", "//", "/")), value

    def handle_endtag(self, tag: str) -> None:
        if tag in ("table", "figure", "svg", "div", "section", "dl"):
            assert self.open.pop() == tag


def test_the_page_shows_each_figure_and_needs_no_other_file(reported: Path):
    text = (reported / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert not page.open and page.seen["figure"] == page.seen["svg"] == 6
    assert len(list((reported / "figures").glob("*.pdf"))) == 6
    results = read_results(reported)
    for name in ("coh_distance", "vd_ei", "vd_ei_pooled"):
        assert f"{results.metrics[name].value:.3f}" in text
    assert "2 of 5, counted from 0" in text and "80 of 240" in text


def test_a_run_measured_again_gives_the_same(reported: Path):
    before = {name: (reported / name).read_bytes() for name in ("results.json", "layers.csv")}
    outcome(reported, permutations=99)
    assert all((reported / name).read_bytes() == held for name, held in before.items())


def test_a_given_layer_is_taken(npz: Path, run: Path):
    import_states(npz, "m", run)
    results = outcome(run, layer=1)
    assert results.settings["layer"]["chosen"] == 1 and results.settings["layer"]["given"]
    assert results.metrics["coh_vertical"].value == pytest.approx(layers(0.6)[1].coherence["vertical"], abs=0.04)
    with pytest.raises(InputError, match="--layer 4: was not collected; there are 0, 1, 2, 3"):
        do("report", run, "--out", run, "--layer", 4)


def test_wordings_stand_side_by_side(pairs: PairFile, run: Path):
    """Two wordings of one set of pairs: one with a direction for each axis, one with none."""
    rng, steps = np.random.default_rng(0), np.eye(6, 8)
    names = ["left", "right", "above", "below", "far", "close"]
    signs = [(-1) ** names.index(pair.category) * steps[names.index(pair.category) // 2] for pair in pairs.pairs]
    deltas = np.array([step if pair.style == "terse" else rng.normal(size=8)
                       for pair, step in zip(pairs.pairs, signs, strict=True)], np.float32)
    save_file({"delta_L0": deltas}, run.with_suffix(".safetensors"))
    do("import", "--states", run.with_suffix(".safetensors"), "--pairs", pairs.path, "--model", "m", "--out", run)
    do("report", run, "--out", run, "--permutations", 0)
    metrics = read_results(run).metrics
    assert metrics["style/terse/coh_vertical"].value == pytest.approx(1)
    assert metrics["style/terse/vd_ei"].value == pytest.approx(0, abs=1e-6)
    assert metrics["coh_vertical"].value < 0.9 and read_results(run).settings["style"] == "published"
    assert "in each wording" in (run / "report.html").read_text()


def result(recipe: str, model: str, dataset: str, **values: float) -> Results:
    metrics = {name.replace("__", "/"): Score(value, 50, value, value, "wilson", 50, 1, 0)
               for name, value in values.items()}
    return Results(recipe, model, {"repo": dataset, "revision": None, "manifest_sha256": ""}, metrics, {}, {})


def test_models_are_held_against_counter_accuracy_entanglement_and_other_pairs():
    """Four models: coherence rises with counter accuracy and falls with VD-EI, on one set of pairs as on the other."""
    probed = [result("probing", f"m{n}", pairs, coh_distance=0.1 * n + shift, vd_ei=0.9 - 0.2 * n)
              for n in range(4) for pairs, shift in (("tunnel", 0.0), ("embspatial", 0.3))]
    counters = [result("shortcut_splits", f"m{n}", "bench", all__counter=30.0 + n) for n in range(4)]
    found = {(each.x_label, each.y_label): each for each in relations(probed, counters)}
    expected = {("Coh_D, tunnel", "counter accuracy, bench, %"): 1, ("Coh_D, tunnel", "VD-EI, tunnel"): -1,
                ("Coh_D, embspatial", "counter accuracy, bench, %"): 1, ("Coh_D, embspatial", "VD-EI, embspatial"): -1,
                ("Coh_D, tunnel", "Coh_D, embspatial"): 1}
    assert {key: round(each.rho, 6) for key, each in found.items()} == expected
    assert found["Coh_D, tunnel", "Coh_D, embspatial"].points[2] == ("m2", 0.2, 0.5)
    assert all(each.interval[0] <= each.rho <= each.interval[1] or abs(each.rho) == 1 for each in found.values())


def test_runs_are_compared_on_one_page(tmp_path: Path):
    """Without answers: three figures of each, and two of both."""
    path = tmp_path / "states.npz"
    np.savez(path, **{name: value for name, value in released(layers(0.6)[:1]).items() if "correct" not in name})
    options: list[object] = ["--out", tmp_path / "all", "--permutations", 0]
    for model in ("one", "two"):
        import_states(path, model, tmp_path / model)
        write_results(tmp_path / f"{model} scored", result("shortcut_splits", model, "bench", all__counter=40.0))
        options += ["--scores", tmp_path / f"{model} scored"]
    do("report", tmp_path / "one", tmp_path / "two", *options)
    text = re.sub(r"\s+", " ", (tmp_path / "all" / "report.html").read_text())
    assert "Coh_D and counter accuracy, 2 models: too few for a correlation" in text
    assert text.count("<svg") == len(list((tmp_path / "all" / "figures").glob("*.pdf"))) == 2 * 3 + 2
    assert "No answers are known" in text
    with pytest.raises(InputError, match="holds no all/counter"):
        do("report", tmp_path / "one", "--out", tmp_path / "all", "--scores", tmp_path / "one")


# ---------------------------------------------------------------- what is brought in


def test_states_come_in_by_layer_in_either_file_form(npz: Path, pairs: PairFile, run: Path):
    done = import_states(npz, "m", run)
    truth = layers(0.6)[1]
    assert np.allclose(done.folder.read("swapped", 1), truth.swapped, atol=1e-5)
    assert [pair.category for pair in read_pairs(run).pairs] == truth.categories
    rows = np.arange(24)[::-1].copy()
    published = [pair for pair in pairs.pairs if pair.style == "published"]
    wanted = np.array([int(pair.row) for pair in published])[::-1].copy()
    states = {f"{kind}_L3": np.random.default_rng(0).normal(size=(12, 5)) for kind in ("orig", "swap")}
    path = run.with_suffix(".safetensors")
    save_file(states | {"indices_L3": wanted}, path)
    done = import_states(path, "m", run.parent / "two", pairs, n_layers=28)
    assert [pair.row for pair in read_pairs(run.parent / "two").pairs] == [str(number) for number in wanted]
    assert (done.folder.index.layers, done.folder.index.n_layers) == ((3,), 28)
    assert np.allclose(done.folder.read("original", 3), states["orig_L3"], atol=1e-5)
    assert len(rows) == 2 * len(published)


def changed(npz: Path, path: Path, **arrays: object) -> Path:
    with np.load(npz) as held:
        np.savez(path, **{name: value for name, value in ({**held} | arrays).items() if value is not None})
    return path


@pytest.mark.parametrize("arrays, message", [
    ({"categories_L1": np.array([{"a": 1}] * 240, dtype=object)}, r"object arrays.*numpy\.savez\('new\.npz'"),
    ({"swap_L2": np.zeros((240, 63))}, r"swap_L2 has shape \(240, 63\), orig_L0 has \(240, 64\)"),
    ({"orig_L3": np.zeros((239, 64))}, r"orig_L3 has shape \(239, 64\)"),
    ({"swap_L1": None}, "swap_L1 is missing"),
    ({"swap_L1": np.zeros((240, 64), int)}, "swap_L1 is int64"),
    ({"categories_L2": np.array(["left"] * 240)}, "categories_L2 is not what categories_L0 is"),
    ({f"categories_L{layer}": np.array(["left", "beside"] * 120) for layer in range(4)},
     "row 1 has the category 'beside'"),
    ({f"orig_L{layer}": np.full((240, 64), np.nan) for layer in range(4)}, "every pair has NaN"),
])
def test_files_that_do_not_fit_are_refused(npz: Path, run: Path, arrays: dict, message: str):
    with pytest.raises(InputError, match=message):
        import_states(changed(npz, run.with_suffix(".npz"), **arrays), "m", run)
    assert not (run / "states" / "index.json").exists()


def test_other_pairs_and_other_files_are_refused(npz: Path, pairs: PairFile, run: Path, tmp_path: Path):
    with pytest.raises(InputError, match="none of its indices is a row"):
        elsewhere = {f"indices_L{n}": np.arange(240) + 5000 for n in range(4)}
        import_states(changed(npz, tmp_path / "a.npz", **elsewhere), "m", run, pairs)
    with pytest.raises(InputError, match=r"row \d+ is \w+, .* has \w+ there"):
        import_states(npz, "m", run, pairs)
    (tmp_path / "b.npz").write_bytes(b"PK nothing")
    (tmp_path / "c.safetensors").write_bytes(b"x" * 40)
    np.savez(tmp_path / "d.npz", other=np.zeros(3))
    for name, message in (("b.npz", "not readable"), ("c.safetensors", "not readable as safetensors"),
                          ("d.npz", "has no arrays named orig_L0"), ("absent.npz", "not readable")):
        with pytest.raises(InputError, match=message):
            import_states(tmp_path / name, "m", run)


def test_states_that_are_not_finite_are_counted(npz: Path, run: Path):
    with np.load(npz) as held:
        bad = held["swap_L2"].copy()
    bad[3], bad[50, 7] = np.inf, np.nan
    said = do("import", "--states", changed(npz, run.with_suffix(".npz"), swap_L2=bad), "--model", "m", "--out", run)
    assert "2 pairs have NaN or an infinite state" in said
    results = outcome(run)
    assert results.settings["counts"]["not_finite"] == 2 and results.metrics["coh_horizontal"].n == 78
    assert json.loads((run / "results.json").read_text())  # no NaN in it


def test_too_few_pairs_are_said(npz: Path, run: Path):
    few = {name: value[[0, 1, 40, 80, 120, 160]] for name, value in np.load(npz).items()}
    np.savez(run.with_suffix(".npz"), **few)
    said = do("import", "--states", run.with_suffix(".npz"), "--model", "m", "--out", run)
    assert "fewer than two pairs: right, above, below, far, close" in said
    results = outcome(run)
    assert {"coh_distance", "vd_ei"} <= results.settings["undefined"].keys() and "vd_ei" not in results.metrics
    assert results.metrics["coh_horizontal"].n == 3


def test_states_of_other_pairs_and_damaged_ones_are_not_measured(npz: Path, run: Path):
    import_states(npz, "m", run)
    held = read_pairs(run)
    save_pairs(run / "pairs.parquet", [replace(held.pairs[0], category="right"), *held.pairs[1:]], held.about)
    with pytest.raises(InputError, match="not the pairs whose states these are"):
        do("report", run, "--out", run)
    save_pairs(run / "pairs.parquet", held.pairs, held.about)
    shard = StateFolder.open(run).path(0)
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match="1 of 1 shards are not there or damaged"):
        do("report", run, "--out", run)
