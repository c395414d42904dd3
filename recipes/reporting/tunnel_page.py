"""The report on SpatialTunnel: scores, heat maps, size curve and sample pictures in one page that needs no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from builders.hub.files import replacing
from builders.randomness import stable_hash
from recipes.questions import Questions, Row
from recipes.reporting.runs import ReportedRun, read_runs
from recipes.reporting.thumbnails import thumbnail
from recipes.reporting.tunnel_figures import heat_maps, size_curve
from recipes.scoring import Score
from recipes.tunnel_scoring import SIZE, score_tunnel

_FOLDER = Path(__file__).parent
_SAMPLES = 4
"""Pictures of each config and class."""
_WIDTH = 256

MEANINGS = {
    "v": "mean probability of the right answer; 0.5 is chance",
    "v_cons": "where the farther object is higher",
    "v_ctr": "where the farther object is lower",
    "delta": "v_cons - v_ctr: the height shortcut",
    "delta_s": "v at the smallest size of the farther object - v at the largest: the size shortcut",
    "delta_side": "farther object left - right; there is no height to go by",
    "delta_scene": "the same gap by the corridor's own up, while the camera is rolled",
    "accuracy": "share of margins with the right sign",
    "accuracy_delta": "the gap in accuracy",
    "exact_match": "share of right answers in words",
    "exact_match_delta": "the gap in exact match",
    "yes_rate": "share of Yes; half of the answers are",
}


@dataclass(frozen=True)
class Line:
    """One figure of all runs."""

    name: str
    meaning: str
    scores: tuple[Score | None, ...]


@dataclass(frozen=True)
class Picture:
    """One sample."""

    row: Row
    data_uri: str


def write_tunnel_report(questions: Questions, folders: Sequence[Path], out: Path) -> None:
    """Write the page about these questions and the runs in these folders.

    Raises:
        InputError: a folder holds no results, or results on other questions.
    """
    page = render_tunnel_page(questions, read_runs(folders, questions))
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")


def render_tunnel_page(
    questions: Questions, runs: Sequence[ReportedRun], template: str = "tunnel.html.jinja"
) -> str:
    """The page's HTML, or only its sections for another page (``tunnel_sections.html.jinja``); every text from the
    dataset and the runs is escaped."""
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    names = list(dict.fromkeys(name for run in runs for name in run.metrics if f"/{SIZE}" not in name))
    phase = [row for row in questions.rows if row["config"] == "phase_variation"]
    maps = []
    for run in runs if phase else []:
        asked = [row for row in phase if row["uid"] in run.answers]
        if asked:
            v = score_tunnel(asked, {uid: given.margin for uid, given in run.answers.items()}).correctness
            maps.append((run.label, Markup(heat_maps(asked, v))))
    sized = any(f"/{SIZE}" in name for run in runs for name in run.metrics)
    return environment.get_template(template).render(
        style=Markup((_FOLDER / "style.css").read_text()),
        manifest=questions.manifest,
        manifest_sha256=questions.manifest_sha256,
        questions=len(questions.rows),
        runs=runs,
        groups=_lines(names, runs),
        maps=maps,
        curve=Markup(size_curve([(run.label, run.metrics) for run in runs])) if sized else "",
        samples=_samples(questions),
    )


def _lines(names: Sequence[str], runs: Sequence[ReportedRun]) -> dict[str, list[Line]]:
    """Config -> its figures."""
    groups: dict[str, list[Line]] = {}
    for name in names:
        config, _, figure = name.partition("/")
        scores = tuple(run.metrics.get(name) for run in runs)
        groups.setdefault(config, []).append(Line(figure, MEANINGS.get(figure, ""), scores))
    return groups


def _samples(questions: Questions) -> list[tuple[str, list[Picture]]]:
    """(config, pictures), as many consistent as counter ones, in the order of the rows."""
    chosen: dict[tuple[str, str], list[int]] = {}
    order = sorted(range(len(questions.rows)), key=lambda i: stable_hash("samples", questions.rows[i]["uid"]))
    for position in order:
        row = questions.rows[position]
        same = chosen.setdefault((row["config"], row["heuristic"]), [])
        limit = _SAMPLES if row["heuristic"] != "ambiguous" or row["config"] == "horizontal_control" else 0
        if len(same) < limit and row["scene_id"] not in {questions.rows[i]["scene_id"] for i in same}:
            same.append(position)
    found: dict[str, list[Picture]] = {}
    for position, (data, *_) in questions.views([i for picks in chosen.values() for i in picks]):
        row = questions.rows[position]
        if data:
            found.setdefault(row["config"], []).append(Picture(row, thumbnail(data, _WIDTH)))
    return list(found.items())
