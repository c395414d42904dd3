"""The SpatialTunnel recipe: what each baseline must score, by theory; and what the figures are made of."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.tunnel.config import CONFIG_NAMES, TunnelConfig
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.plans import scene_ids, shots_of
from builders.tunnel.questions import rows_of
from builders.tunnel.spatial_tunnel import SpatialTunnel
from recipes.answerers import make_yes_no_answerer
from recipes.predictions import read_predictions
from recipes.questions import Questions
from recipes.reporting.compare_page import write_comparison
from recipes.results import read_results
from recipes.spatial_tunnel import evaluate, open_tunnel
from recipes.tunnel_scoring import heat_map, score_tunnel


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    """Every yes/no question of the dataset at full size, without pictures."""
    made = TunnelConfig()
    found = []
    for config in CONFIG_NAMES:
        if config != "contrastive_probing":
            of_config = [row for scene_id in scene_ids(config, made) for shot in shots_of(config, scene_id, made)
                         for row in rows_of(config, shot, made.tunnel)]
            found += [row | {"config": config, "uid": f"{config}/{n}", "index": n} for n, row in enumerate(of_config)]
    return found


def scores(rows: list[dict], name: str) -> dict:
    answers = make_yes_no_answerer(f"baseline:{name}", rows, 0).answer(rows)
    return score_tunnel(rows, {row["uid"]: a.margin for row, a in zip(rows, answers, strict=True)}).metrics


@pytest.mark.parametrize("name, expected", [
    ("oracle", {"phase_variation/v": 1, "phase_variation/delta": 0, "size_variation/delta_s": 0,
                "horizontal_control/v": 1, "roll_control/delta_scene": 0, "phase_variation/yes_rate": 0.5}),
    ("always-yes", {"phase_variation/v": 0.5, "phase_variation/delta": 0, "phase_variation/accuracy": 0.5,
                    "size_variation/delta_s": 0, "horizontal_control/delta_side": 0, "phase_variation/yes_rate": 1}),
    ("higher-is-farther", {"phase_variation/v": 0.5, "phase_variation/v_cons": 1, "phase_variation/v_ctr": 0,
                           "phase_variation/delta": 1, "phase_variation/accuracy_delta": 1, "size_variation/delta": 1,
                           "size_variation/delta_s": 0, "horizontal_control/v": 0.5, "roll_control/delta": 1,
                           "roll_control/delta_scene": 0}),
    ("bigger-is-closer", {"phase_variation/delta": 0, "size_variation/v_smallest": 1, "size_variation/v_largest": 0,
                          "size_variation/delta_s": 1, "horizontal_control/delta_side": 0}),
])
def test_baselines_score_what_theory_says(rows: list[dict], name: str, expected: dict):
    found = scores(rows, name)
    for figure, value in expected.items():
        assert found[figure].value == pytest.approx(value, abs=1e-12), figure
        assert found[figure].low <= value <= found[figure].high


def test_a_coin_is_at_chance_within_its_interval(rows: list[dict]):
    found = scores(rows, "random")
    assert found["phase_variation/v"].value == pytest.approx(0.5, abs=0.02)
    assert found["phase_variation/delta"].value == pytest.approx(0, abs=0.04)
    assert (found["phase_variation/v"].n, found["phase_variation/delta"].n) == (12_288, 2 * 126 * 12 * 4)
    assert found["phase_variation/v"].n_groups == 12


def test_a_gap_at_chance_is_called_uninformative(rows: list[dict]):
    for name, says in (("always-yes", True), ("higher-is-farther", False), ("oracle", False)):
        answers = make_yes_no_answerer(f"baseline:{name}", rows, 0).answer(rows)
        margins = {row["uid"]: a.margin for row, a in zip(rows, answers, strict=True)}
        assert ("phase_variation/delta" in score_tunnel(rows, margins).uninformative) == says


def test_v_is_the_probability_of_the_right_answer(rows: list[dict]):
    """p = sigmoid(margin); by hand, for a model that leans to Yes by 1 and to the truth by 2."""
    some = [row for row in rows if row["config"] == "phase_variation"][:64]
    margins = {row["uid"]: 1 + (2 if row["answer"] == "Yes" else -2) for row in some}
    found = score_tunnel(some, margins)
    expected = (1 / (1 + math.exp(-3)) + 1 / (1 + math.exp(-1))) / 2
    assert found.metrics["phase_variation/v"].value == pytest.approx(expected)
    assert found.metrics["phase_variation/accuracy"].value == 1
    assert found.metrics["phase_variation/yes_rate"].value == 0.5


def test_answers_that_cannot_be_read_score_0_and_are_counted(rows: list[dict]):
    some = [row for row in rows if row["config"] == "phase_variation"][:64]
    margins = {row["uid"]: math.inf if row["answer"] == "Yes" else -math.inf for row in some[:48]}
    v = score_tunnel(some, margins).metrics["phase_variation/v"]
    assert v.value == 0.75 and v.n_unparsed == 16 and v.n == 64


def test_exact_match_is_that_of_what_was_written(rows: list[dict]):
    """Beside a lean that is always right; by hand from the answers in words, of which some say nothing."""
    some = [row for row in rows if row["config"] == "phase_variation"][:256]
    said = {row["uid"]: ("Yes", "No", None)[i * i % 3] for i, row in enumerate(some)}
    margins = {row["uid"]: 5.0 if row["answer"] == "Yes" else -5.0 for row in some}
    assert not any("exact_match" in name for name in score_tunnel(some, margins).metrics)
    found = score_tunnel(some, margins, said=said).metrics
    right = {tag: [said[row["uid"]] == row["answer"] for row in some if tag in ("", row["heuristic"])]
             for tag in ("", "consistent", "counter")}
    assert 0.1 < np.mean(right[""]) < 0.9
    assert found["phase_variation/exact_match"].value == pytest.approx(np.mean(right[""]))
    assert found["phase_variation/exact_match_delta"].value == pytest.approx(
        np.mean(right["consistent"]) - np.mean(right["counter"]))
    assert found["phase_variation/exact_match"].n_unparsed == list(said.values()).count(None)
    assert found["phase_variation/accuracy"].value == 1 and found["phase_variation/accuracy"].n_unparsed == 0


def test_delta_s_follows_from_the_columns_alone(rows: list[dict]):
    """With any v per row: the mean where size_far is 0.1 less the mean where it is 0.3."""
    sized = [row for row in rows if row["config"] == "size_variation"]
    rng = np.random.default_rng(0)
    margins = {row["uid"]: float(rng.normal()) for row in sized}
    v = np.array([1 / (1 + math.exp(-margins[r["uid"]] * (1 if r["answer"] == "Yes" else -1))) for r in sized])
    sizes = np.array([row["size_far"] for row in sized])
    assert score_tunnel(sized, margins).metrics["size_variation/delta_s"].value == pytest.approx(
        v[sizes == 0.1].mean() - v[sizes == 0.3].mean())


@pytest.mark.parametrize("scene_id", ["phase_00", "phase_01", ""])
def test_heat_maps_show_each_class_and_nothing_else(rows: list[dict], scene_id: str):
    """Of one scene, and of all: a cell has the same class in each."""
    phase = [row for row in rows if row["config"] == "phase_variation" and scene_id in ("", row["scene_id"])]
    far_first = {row["uid"]: row["theta_far"] / 360 for row in phase}
    items = [replace(item, score=far_first[uid]) for uid, item in score_tunnel(phase, {}).items.items()]
    for tag in ("consistent", "counter"):
        drawn = heat_map(items, tag)
        tagged = {tuple(row["cell"]) for row in phase if row["heuristic"] == tag}
        assert {(far, near) for far, near in np.argwhere(np.isfinite(drawn)).tolist()} == tagged
        assert len(tagged) == 126
        far = np.broadcast_to(np.arange(16)[:, None] / 16, (16, 16))
        assert np.allclose(drawn[np.isfinite(drawn)], far[np.isfinite(drawn)])
        assert np.isfinite(drawn[4, 12]) == (tag == "consistent")  # far on the ceiling, near on the floor


@pytest.fixture(scope="module")
def tunnel(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    """Two scenes of each config, plain and small."""
    out = tmp_path_factory.mktemp("tunnel") / "t"
    build_folder(SpatialTunnel(renderer="raycast", scenes=2, cell_step=4,
                               tunnel=replace(TunnelSettings(), resolution=48)), out, progress=False)
    return open_tunnel(str(out))


def test_a_run_writes_both_files_and_a_page_that_stands_alone(tunnel: Questions, tmp_path: Path):
    assert {row["config"] for row in tunnel.rows} == set(CONFIG_NAMES) - {"contrastive_probing"}
    runs = [tmp_path / name for name in ("higher-is-farther", "random")]
    for run in runs:
        evaluate(tunnel, f"baseline:{run.name}", run, progress=False)
    held = read_results(runs[0])
    assert held.metrics["phase_variation/delta"].value == 1 and held.recipe == "spatial_tunnel"
    assert len(read_predictions(runs[0] / "predictions.parquet")) == len(tunnel.rows)
    write_comparison(runs, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count('class="chart bars"') == 3  # v of consistent and counter: phase_variation, size_, roll_control
    assert page.count("<figcaption><span") == 2 and page.count(">farther object, degrees<") == 4  # two maps per run
    assert page.count(">size of the farther object, m") == 1
    assert 'src="data:image/jpeg' in page and not re.search(r"""(src|href|url\()\W*http""", page)


def test_given_margins_and_given_texts_are_scored(tunnel: Questions, tmp_path: Path):
    phase = open_tunnel(tunnel.repo, None, ["phase_variation"])
    assert [row["uid"] for row in phase.rows[:3]] == ["0", "1", "2"]
    right = {"Yes": 2.0, "No": -2.0}
    table = pa.table({"id": [row["uid"] for row in phase.rows], "margin": [right[r["answer"]] for r in phase.rows]})
    pq.write_table(table, tmp_path / "given.parquet")
    found = evaluate(phase, "mine", tmp_path / "a", predictions=tmp_path / "given.parquet", progress=False).metrics
    assert found["phase_variation/v"].value == pytest.approx(1 / (1 + math.exp(-2)))
    both = table.append_column("raw_text", pa.array([f"{row['answer']}." for row in phase.rows[:-1]] + ["Hm."]))
    pq.write_table(both, tmp_path / "both.parquet")
    found = evaluate(phase, "mine", tmp_path / "c", predictions=tmp_path / "both.parquet", progress=False).metrics
    assert found["phase_variation/v"].value == pytest.approx(1 / (1 + math.exp(-2)))
    assert found["phase_variation/exact_match"].value == pytest.approx(1 - 1 / len(phase.rows))
    write_comparison([tmp_path / "c"], tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text()
    assert "exact_match <small>share of right answers in what was written<" in page
    assert f"| {1 - 1 / len(phase.rows):.3f} [" in next(
        line for line in (tmp_path / "c.md").read_text().splitlines() if "phase_variation: exact_match |" in line)
    assert f"<b>v {1 / (1 + math.exp(-2)):.2f}, wrote " in page
    lines = ["id,raw_text"] + [f"{row['uid']},\"{row['answer']}, it is.\"" for row in phase.rows[:-1]]
    (tmp_path / "given.csv").write_text("\n".join(lines))
    texts = evaluate(phase, "mine", tmp_path / "b", predictions=tmp_path / "given.csv", progress=False)
    assert texts.metrics["phase_variation/accuracy"].value == pytest.approx(1 - 1 / len(phase.rows))
    assert texts.settings["answers_by_status"]["missing"] == 1


def test_wrong_input_ends_in_one_line(tunnel: Questions, tmp_path: Path):
    with pytest.raises(InputError, match="yes/no questions"):
        open_tunnel(tunnel.repo, None, ["contrastive_probing"])
    with pytest.raises(InputError, match="baseline:higher-is-farther"):
        evaluate(tunnel, "baseline:lower-is-farther", tmp_path / "x", progress=False)
    (tmp_path / "bad.csv").write_text("id,margin\n0,high\n")
    with pytest.raises(InputError, match="no question of the dataset"):
        evaluate(tunnel, "mine", tmp_path / "y", predictions=tmp_path / "bad.csv", progress=False)
    (tmp_path / "bad.csv").write_text("id,margin\nphase_variation/0,high\n")
    with pytest.raises(InputError, match="expected logit_yes - logit_no"):
        evaluate(tunnel, "mine", tmp_path / "y", predictions=tmp_path / "bad.csv", progress=False)
