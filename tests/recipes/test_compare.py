"""Comparisons: differences against formulas of their own, tables against results.json, pages that stand alone."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel
from recipes import shortcut_splits, spar_bench, spatial_tunnel
from recipes.comparison.runs import groups_of, read_runs
from recipes.comparison.tables import Compared, compare
from recipes.predictions import read_items
from recipes.questions import Questions, open_questions
from recipes.reporting.compare_page import write_comparison
from tests.recipes.made import jpeg, make_folder, mixed_rows
from tests.recipes.test_shortcut_splits import built, hand_made

EVIL = "<script>alert(1)</script>"
Z = 1.96


def rows_with_pictures(count: int, scenes: int) -> list[dict]:
    rows = mixed_rows(count, scenes)
    for number, row in enumerate(rows):
        row["image"] = [{"bytes": jpeg(number % 200), "path": "a.jpg"}]
        row["objects"] = [row["objects"][0] | {"label": EVIL}]
    return rows


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    """240 questions of four tasks from 30 scenes."""
    return open_questions(str(make_folder(tmp_path_factory.mktemp("bench") / "b", rows_with_pictures(60, 30))))


@pytest.fixture(scope="module")
def runs(bench: Questions, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The baselines of SPAR, scored."""
    out = tmp_path_factory.mktemp("runs")
    for name in ("oracle", "random", "frequency"):
        spar_bench.evaluate(bench, f"baseline:{name}", out / name, progress=False)
    return {name: out / name for name in ("oracle", "random", "frequency")}


@pytest.fixture(scope="module")
def tunnel(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Baselines of SpatialTunnel on 2 small scenes of phase_variation."""
    out = tmp_path_factory.mktemp("tunnel")
    build_folder(SpatialTunnel(renderer="raycast", scenes=2, cell_step=4,
                               tunnel=replace(TunnelSettings(), resolution=48)), out / "set", progress=False,
                 only_config="phase_variation")
    questions = spatial_tunnel.open_tunnel(str(out / "set"))
    names = ("oracle", "always-yes", "higher-is-farther")
    for name in names:
        spatial_tunnel.evaluate(questions, f"baseline:{name}", out / name, progress=False)
    return [out / name for name in names]


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Baselines on twelve questions with tags known by hand."""
    out = tmp_path_factory.mktemp("tagged")
    questions = built(out, hand_made())
    names = ("oracle", "higher-is-farther")
    for name in names:
        shortcut_splits.evaluate(questions, f"baseline:{name}", out / name, progress=False)
    return [out / name for name in names]


def of(folders: list[Path]) -> Compared:
    (group,) = groups_of(read_runs(folders))
    return compare(group)


# ---------------------------------------------------------------- paired differences


def test_a_difference_is_the_mean_of_the_differences_of_questions(bench: Questions, runs: dict[str, Path]):
    part = of([runs["random"], runs["frequency"]])
    scores = [{uid: item.score for uid, item in read_items(runs[name] / "predictions.parquet").items()}
              for name in ("random", "frequency")]
    tasks = {}
    for row in bench.rows:
        tasks.setdefault(row["task"], []).append(row)
    means = {}
    for task, rows in tasks.items():
        by_scene: dict[str, list[float]] = {}
        for row in rows:
            by_scene.setdefault(row["scene_id"], []).append(scores[0][row["uid"]] - scores[1][row["uid"]])
        of_scenes = np.array([np.mean(values) for values in by_scene.values()])  # as many questions in each scene
        found, error = part.difference(task, 0, 1), 100 * of_scenes.std(ddof=1) / np.sqrt(len(of_scenes))
        means[task] = 100 * of_scenes.mean()
        assert found.value == pytest.approx(means[task]) and (found.n, found.n_groups) == (60, 30)
        assert found.high - found.low == pytest.approx(2 * Z * error, rel=0.2) and found.interval.startswith("paired_")
    average = part.difference("average", 0, 1)
    assert average.value == pytest.approx(np.mean(list(means.values()))) and average.n == 240
    assert part.difference("level_low", 0, 1).value == pytest.approx(
        (means["depth_prediction_oc"] + means["distance_prediction_oo"]) / 2)
    back = part.difference("average", 1, 0)
    assert (back.value, back.low, back.high) == (-average.value, -average.high, -average.low)


def test_pairing_cancels_what_both_find_hard(bench: Questions, runs: dict[str, Path], tmp_path: Path):
    """The oracle less a run that is wrong in 8 questions is known far better than two separate scores suggest."""
    texts = {row["uid"]: row["answer"] for row in bench.rows}
    for row in bench.rows[::30]:
        texts[row["uid"]] = "no idea"
    lines = ["id,raw_text", *(f'{uid},"{text}"' for uid, text in texts.items())]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    mine = spar_bench.evaluate(bench, "mine", tmp_path / "mine", predictions=tmp_path / "mine.csv", progress=False)
    found = of([runs["oracle"], tmp_path / "mine"]).difference("average", 0, 1)
    assert found.value == pytest.approx(100 - mine.metrics["average"].value) == pytest.approx(100 * 8 / 240)
    assert 0 < found.low < found.high < 10 and found.clear


def test_equal_answers_differ_by_nothing_as_far_as_can_be_seen(bench: Questions, runs: dict[str, Path], tmp_path: Path):
    spar_bench.evaluate(bench, "baseline:random", tmp_path / "again", progress=False)
    found = of([runs["random"], tmp_path / "again"]).difference("average", 0, 1)
    assert found.value == 0 and found.interval == "paired_equal" and not found.clear
    assert -found.low == found.high == pytest.approx(100 * Z**2 / (30 + Z**2), abs=0.01)


def test_known_values_of_baselines(tunnel: list[Path], tagged: list[Path], runs: dict[str, Path]):
    part = of(tunnel)  # oracle, always-yes, higher-is-farther
    for figure, values in {"v": (1, 0.5, 0.5), "delta": (0, 0, 1), "v_cons": (1, 0.5, 1), "v_ctr": (1, 0.5, 0)}.items():
        name = f"phase_variation/{figure}"
        for i, value in enumerate(values):
            assert part.group.runs[i].metrics[name].value == value
            for j, other in enumerate(values):
                if i != j:
                    assert part.difference(name, i, j).value == pytest.approx(value - other)
    assert part.difference("phase_variation/accuracy", 0, 1) is None  # questions score v
    part = of(tagged)
    assert part.difference("all/gap", 1, 0).value == 100 and part.difference("all/gap", 1, 0).n == 7
    assert part.difference("all/counter", 1, 0).value == -100 and part.difference("all/consistent", 1, 0).value == 0
    part = of([runs["oracle"], runs["frequency"]])
    frequency = part.group.runs[1].metrics["average"].value
    assert part.difference("average", 0, 1).value == pytest.approx(100 - frequency)


def test_runs_with_a_limit_are_compared_on_shared_questions(bench: Questions, runs: dict[str, Path], tmp_path: Path):
    spar_bench.evaluate(bench, "baseline:random", tmp_path / "few", limit=100, progress=False)
    found = of([runs["oracle"], tmp_path / "few"]).difference("average", 0, 1)
    mine = read_runs([tmp_path / "few"])[0].metrics["average"]
    assert found.n == 100 and found.value == pytest.approx(100 - mine.value)
    write_comparison([runs["oracle"], tmp_path / "few"], tmp_path / "page.html")
    assert "different numbers of questions (240, 100)" in (tmp_path / "page.html").read_text()


# ---------------------------------------------------------------- what is not compared


def test_other_questions_are_never_compared_silently(runs: dict[str, Path], tagged: list[Path], tmp_path: Path):
    other = open_questions(str(make_folder(tmp_path / "other", mixed_rows(10, scenes=3, seed=1))))
    spar_bench.evaluate(other, "baseline:random", tmp_path / "r", progress=False)
    groups = groups_of(read_runs([*runs.values(), tmp_path / "r", *tagged]))
    assert [len(group.runs) for group in groups] == [3, 1, 2]
    write_comparison([*runs.values(), tmp_path / "r"], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "2 sets of spar_bench questions" in page and page.count("<h2 id=") == 2
    rows = list(csv.DictReader((tmp_path / "page.differences.csv").open()))
    assert {row["manifest_sha256"] for row in rows} == {groups[0].asked.manifest_sha256}


def test_damaged_and_foreign_folders_end_in_one_line(runs: dict[str, Path], bench: Questions, tmp_path: Path):
    for folders, says in (([tmp_path], r"no results\.json"), ([tmp_path / "none"], "no such folder"),
                          ([], "at least one"), ([runs["oracle"], runs["oracle"]], "given twice")):
        with pytest.raises(InputError, match=says):
            write_comparison(folders, tmp_path / "page.html")
    spar_bench.evaluate(bench, "baseline:random", tmp_path / "r", progress=False)
    held = json.loads((tmp_path / "r/results.json").read_text())
    held["metrics"]["depth_prediction_oc"]["value"] += 1
    (tmp_path / "r/results.json").write_text(json.dumps(held))
    with pytest.raises(InputError, match="by its predictions; run its recipe again"):
        write_comparison([tmp_path / "r"], tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


# ---------------------------------------------------------------- tables


def test_tables_say_what_results_say(runs: dict[str, Path], tmp_path: Path):
    written = write_comparison(list(runs.values()), tmp_path / "page.html")
    assert [path.name for path in written] == ["page.html", "page.scores.csv", "page.differences.csv", "page.md"]
    rows = list(csv.DictReader(written[1].open()))
    held = {name: json.loads((folder / "results.json").read_text())["metrics"] for name, folder in runs.items()}
    assert len(rows) == sum(map(len, held.values()))
    for row in rows:
        score = held[row["run"].removesuffix(" (baseline)")][row["figure"]]
        assert [float(row[key]) for key in ("value", "low", "high", "n")] == [
            score[key] for key in ("value", "low", "high", "n")]
    lines = written[3].read_text().splitlines()
    average = next(line for line in lines if line.startswith("| Average |"))
    assert average.split("|")[2:4] == [" 240 ", " 100.0 [{:.1f}, 100.0] ".format(held["oracle"]["average"]["low"])]


# ---------------------------------------------------------------- pages


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_page_opens_alone_and_lets_no_text_become_markup(
    runs: dict[str, Path], tunnel: list[Path], tagged: list[Path], tmp_path: Path
):
    write_comparison([*runs.values(), *tunnel, *tagged], tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    for tag, attrs in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form"), tag
        assert not [name for name in attrs if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "srcset", "data", "poster", "action"):
            assert (attrs.get(name) or "#").startswith(("#", "data:image/")), (tag, attrs)
    assert not re.search(r"@import|url\((?!#)", page.source)
    assert EVIL not in page.source and "&lt;script&gt;alert(1)" in page.source
    pictures = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(pictures) > 20 and all(attrs["src"].startswith("data:image/jpeg;base64,") for attrs in pictures)
    assert page.source.count("<h2 id=") == 3 and page.source.count('class="chart bars"') == 1 + 1 + 3
    ids = [attrs["id"] for tag, attrs in page.tags if tag == "h2"]
    assert {f"#{name}" for name in ids} == {attrs["href"] for tag, attrs in page.tags if tag == "a"}


def test_the_page_works_without_the_dataset(bench: Questions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = open_questions(str(make_folder(tmp_path / "gone", mixed_rows(5, scenes=2))))
    for name in ("random", "frequency"):
        spar_bench.evaluate(made, f"baseline:{name}", tmp_path / name, progress=False)
    (tmp_path / "gone").rename(tmp_path / "away")
    write_comparison([tmp_path / "random", tmp_path / "frequency"], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "No pictures: " in page and "no such folder" in page and "<img" not in page
    assert page.count("<article>") > 4 and "Paired differences" in page
    make_folder(tmp_path / "gone", mixed_rows(6, scenes=2))
    write_comparison([tmp_path / "random", tmp_path / "frequency"], tmp_path / "page.html")
    assert "has been built anew since" in (tmp_path / "page.html").read_text()


def test_the_worst_and_the_most_contested_questions_are_those(bench: Questions, tmp_path: Path):
    """Three models: all wrong on one question, two against one on another, right elsewhere."""
    worst, contested = bench.rows[8]["uid"], bench.rows[13]["uid"]
    for number in range(3):
        wrong = {worst, *([contested] if number == 0 else [])}
        lines = [f'{row["uid"]},"{"no idea" if row["uid"] in wrong else row["answer"]}"' for row in bench.rows]
        (tmp_path / f"{number}.csv").write_text("\n".join(["id,raw_text", *lines]))
        spar_bench.evaluate(bench, f"model-{number}", tmp_path / str(number), predictions=tmp_path / f"{number}.csv",
                            progress=False)
    write_comparison([tmp_path / str(number) for number in range(3)], tmp_path / "page.html")
    lists = re.split(r"<h3>(Worst|Most contested) questions</h3>", (tmp_path / "page.html").read_text())
    shown = {title: re.findall(r'<p class="uid">(.*?)</p>', text) for title, text in zip(lists[1::2], lists[2::2])}
    assert shown == {"Worst": [worst, contested], "Most contested": [contested]}


def test_a_single_run_has_no_pairs(runs: dict[str, Path], tmp_path: Path):
    write_comparison([runs["oracle"]], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<title>oracle on SPAR</title>" in page and "Paired differences" not in page and "Most contested" not in page
