"""The report stands alone, shows what was scored, and lets no text of the dataset become markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from builders.errors import InputError
from builders.spar.tasks import TASKS
from recipes.questions import Questions, open_questions
from recipes.report import write_report
from recipes.reporting.gallery import choose
from recipes.spar_bench import evaluate
from tests.recipes.made import CHAIR, jpeg, make_7m_folder, make_folder, make_row, mixed_rows, rows_of_every_form

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.source = path.read_text()
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def report(questions: Questions, folder: Path, *models: str) -> Page:
    for model in models:
        evaluate(questions, f"baseline:{model}", folder / model, progress=False)
    write_report(questions, [folder / model for model in models], folder / "report.html")
    return Page(folder / "report.html")


def rows_with_everything() -> list[dict]:
    picture = {"bytes": jpeg(90), "path": "a.jpg"}
    thing = CHAIR | {"label": EVIL}
    return [
        make_row("depth_prediction_oc", 0, "1.5", image=[picture], objects=[thing], question=f"How deep is the {EVIL}?",
                 heuristic="counter"),
        make_row("distance_infer_center_oo", 0, "B", (EVIL, "lamp"), image=[picture], frame_ids=[EVIL], scene=EVIL),
        make_row("position_matching", 0, "A", ("(1, 2, 3, 4)", "b", "c", "d"), scene="room_1"),
        make_row("depth_prediction_oc", 1, "2.5", image=[picture], template_id=EVIL, uid=EVIL),
    ]


@pytest.fixture
def page(tmp_path: Path) -> Page:
    questions = open_questions(str(make_folder(tmp_path / "bench", rows_with_everything())))
    return report(questions, tmp_path, "oracle", "random")


def test_no_text_of_the_dataset_becomes_markup(page: Page):
    assert len(page.of("script")) == 1
    assert not [tag for tag, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert "<script>alert" not in page.source and "<img src=x" not in page.source
    assert page.text.count(EVIL) >= 4  # shown as text: label, question, option, uid


def test_it_opens_without_network_or_other_files(page: Page):
    places = [attrs.get(name) or "" for _, attrs in page.tags for name in ("src", "href", "srcset", "action", "data")]
    assert {place[:23] for place in places if place} == {"data:image/jpeg;base64,"}
    assert not page.of("link") and not page.of("iframe")
    assert not re.search(r"@import|url\(", page.source)


def test_pictures_are_shown_or_said_to_be_referenced(page: Page):
    assert len(page.of("img")) == 3
    assert page.text.count("referenced, not embedded") == 2


def test_scores_theory_and_counts_are_on_the_page(page: Page):
    assert "100.0" in page.text and "Chance" in page.text and "Only 1 scene" not in page.text
    assert "Only 3 scenes" in page.text
    assert "similar depth" in page.text and "4321" in page.text
    assert any(attrs.get("title") == "counter: 1 (100 %)" for attrs in page.of("span"))


def test_the_oracle_is_right_on_every_sample(tmp_path: Path):
    questions = open_questions(str(make_folder(tmp_path / "bench", mixed_rows(10, scenes=4))))
    page = report(questions, tmp_path, "oracle")
    marks = [attrs["class"] for attrs in page.of("li") if attrs.get("class") in ("right", "partial", "wrong", "none")]
    assert marks == ["right"] * 16


def test_samples_come_from_different_scenes_first():
    rows = [row | {"frame_ids": [str(row["id"])]} for row in mixed_rows(20, scenes=5)]
    here = [i for i, row in enumerate(rows) if row["task"] == "depth_prediction_oc"]
    picked = choose(rows, here, 5)
    assert set(picked) <= set(here) and len({rows[i]["scene_id"] for i in picked}) == 5
    assert picked == choose(rows, here, 5)


@pytest.fixture(scope="module")
def every_form(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("report")
    rows = rows_of_every_form(2)
    for row in rows:
        row["image"] = [{"bytes": jpeg(7 * i), "path": "a.jpg"} for i in range(len(row["frame_ids"]))]
    questions = open_questions(str(make_7m_folder(folder / "spar_7m", rows)), split="validation")
    return report(questions, folder, "oracle", "random")


def forms_of(page: Page) -> dict[str, str]:
    """Task form -> the HTML of its samples."""
    parts = re.split(r'<section class="task" data-task="([^"]+)"', page.source)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_form_has_a_section_and_every_scored_one_a_line(every_form: Page):
    names = {name if form == task.bench_format else f"{name}/{form}"
             for name, task in TASKS.items() for form in task.formats}
    assert set(forms_of(every_form)) == names
    assert {attrs["data-task"] for attrs in every_form.of("button")} == names | {""}
    lines = {attrs.get("title") for attrs in every_form.of("th")} - {None}
    assert lines == {name for name in names if not name.endswith("/sentence")} | {
        line for line in lines if str(line).startswith("mean of")}


def test_the_longest_label_of_the_chart_has_room(every_form: Page):
    labels = re.findall(r'<text class="task" x="([\d.]+)" y="[\d.]+">([^<]+)</text>', every_form.source)
    assert len(labels) > 40 and all(float(end) >= 5.9 * len(label) for end, label in labels)  # 11 px type, ends at x


def test_a_video_is_a_strip_of_a_few_numbered_frames(every_form: Page):
    for name, html in forms_of(every_form).items():
        task = TASKS[name.split("/")[0]]
        shown = re.findall(r"<figcaption>(\d+)</figcaption>", html)
        if task.img_type == "video":
            strip = ["1", "5", "10", "14", "19", "23", "28", "32"]
            assert shown == strip * 2 and html.count("8 of 32 frames") == 2 and "views-many" in html
        else:
            numbers = [str(i + 1) for i in range(task.views)] if task.views > 1 else []
            assert shown == numbers * 2 and f"views-{task.views}" in html and " frames</p>" not in html


def test_golds_are_shown_with_the_unit_of_one_number_only(every_form: Page):
    sections = forms_of(every_form)
    shown = {name: re.findall(r"Gold <b>(.*?)</b>", html) for name, html in sections.items()}
    assert all(re.fullmatch(r"[\d.]+ m", gold) for gold in shown["depth_prediction_oc"])
    assert all(re.fullmatch(r"\d+, \d+, \d+", gold) for gold in shown["spatial_volume_infer/fill"])
    assert all(re.fullmatch(r"move_right:.*,rotate_left:\d+", gold) for gold in shown["view_change_infer"])
    assert set(shown["obj_spatial_relation_oo/judge"]) <= {"Yes", "No"}
    assert "not scored" in sections["depth_prediction_oc/sentence"] and not shown["obj_spatial_relation_oo"]
    assert re.search(r'<span class="part part-(yes|no)"', every_form.source)


def test_the_oracle_is_right_on_every_form_and_sentences_are_not_asked(every_form: Page):
    for name, html in forms_of(every_form).items():
        marks = re.findall(r'<li class="(right|partial|wrong|none)"', html)
        assert marks[::2] == ["none" if name.endswith("/sentence") else "right"] * 2


def test_runs_on_other_questions_are_refused(small: Questions, tmp_path: Path):
    other = open_questions(str(make_folder(tmp_path / "other", mixed_rows(11, scenes=2))))
    evaluate(other, "baseline:oracle", tmp_path / "run", progress=False)
    with pytest.raises(InputError, match="scored on other questions"):
        write_report(small, [tmp_path / "run"], tmp_path / "report.html")
    with pytest.raises(InputError, match=r"no results\.json"):
        write_report(small, [tmp_path], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
