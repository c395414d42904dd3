"""The report that compares runs: tables, charts, paired differences, the questions to look at; in one HTML file."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from markupsafe import Markup

from builders.errors import InputError
from recipes.comparison.layouts import Line, layout_of
from recipes.comparison.paired import Difference
from recipes.comparison.picks import contested, worst
from recipes.comparison.runs import Group, Run, groups_of, read_runs
from recipes.comparison.tables import Compared, compare, write_tables
from recipes.questions import Questions
from recipes.reporting.cards import Card, card_of
from recipes.reporting.compare_charts import Figure, charts
from recipes.reporting.compare_tables import Matrix, TableRow, differences_from_first, matrices, table_rows
from recipes.reporting.html import render, write_page
from recipes.reporting.tunnel_figures import heat_maps, size_curve
from recipes.shortcut_scoring import FEW_GROUPS
from recipes.tunnel_scoring import MAPPED, SIZE

CARDS = 8
"""Questions in each list."""
_SETTINGS = ("answerer", "limit", "seed", "predictions", "proposals", "cluster", "answers_by_status")
"""Of ``results.json``, shown for each run."""


@dataclass(frozen=True)
class Part:
    """Everything the template says about a group of runs."""

    id: str
    title: str
    place: str
    asked: str
    """Config and split."""
    about: str
    facts: list[tuple[str, str]]
    notices: list[str]
    runs: tuple[Run, ...]
    digits: int
    units: str
    charts: list[Figure]
    rows: list[TableRow]
    matrices: list[Matrix]
    differences: list[tuple[Line, list[Difference | None]]]
    settings: list[tuple[str, list[str], bool]]
    """(setting, its value in each run, whether they differ)."""
    maps: list[tuple[Run, Markup]]
    curve: Markup | None
    picks: list[tuple[str, str, list[Card]]]
    """(title, what they are, questions)."""


def write_comparison(
    folders: Sequence[Path], out: Path, pictures: bool = True, title: str = "", tables: bool = True
) -> list[Path]:
    """Write the page about the runs in these folders, and its tables beside it; the paths written, the page first.

    Args:
        pictures: whether to look for the datasets that the results name.
        tables: whether to write them.

    Raises:
        InputError: a folder that cannot be read, or whose predictions do not fit its results.
    """
    compared = [compare(group) for group in groups_of(read_runs(folders))]
    runs = list(chain.from_iterable(part.group.runs for part in compared))
    written = write_tables(compared, out) if tables else []
    alone = f"{runs[0].label} on {_title(compared[0].group)}"
    write_page(render(
        "compare.html.jinja",
        title=title or (alone if len(runs) == 1 else "Comparison"),
        run_count=len(runs),
        parts=_parts(compared, pictures),
        notices=_not_compared(compared),
        tables=[path.name for path in written],
    ), out)
    return [out, *written]


def comparison_sections(folders: Sequence[Path]) -> Markup:
    """Only the sections, for another page."""
    return render("compare_sections.html.jinja",
                  parts=_parts([compare(group) for group in groups_of(read_runs(folders))], True))


def _parts(compared: Sequence[Compared], pictures: bool) -> list[Part]:
    return [_part(number, part, pictures) for number, part in enumerate(compared, 1)]


def _part(number: int, part: Compared, pictures: bool) -> Part:
    group, runs = part.group, part.group.runs
    questions, missing = _dataset(group) if pictures else (None, "")
    sized = any(f"/{SIZE}" in name for run in runs for name in run.metrics)
    return Part(
        id=f"part-{number}",
        title=_title(group),
        place=group.repo,
        asked=_config_and_split(group),
        about=layout_of(group).about,
        facts=_facts(part, questions),
        notices=[*filter(None, [missing]), *_notices(group)],
        runs=runs,
        digits=1 if group.scale == 100 else 3,
        units=", clustered by " + " and ".join(dict.fromkeys(map(_cluster, runs))),
        charts=charts(part),
        rows=table_rows(part),
        matrices=matrices(part),
        differences=differences_from_first(part),
        settings=_settings(runs),
        maps=[(run, Markup(heat_maps(run.items.values()))) for run in runs
              if run.items and f"{MAPPED}/v_cons" in run.metrics],
        curve=Markup(size_curve([(run.label, run.metrics) for run in runs])) if sized else None,
        picks=_picks(part, questions),
    )


# ---------------------------------------------------------------- what is compared


def _title(group: Group) -> str:
    return layout_of(group).title or group.asked.recipe


def _config_and_split(group: Group) -> str:
    return f"{group.asked.config}/{group.asked.split}"


def _cluster(run: Run) -> str:
    return run.results.settings.get("cluster", "scene")


def _not_compared(compared: Sequence[Compared]) -> list[str]:
    """A sentence for each recipe that was run on several sets of questions."""
    counts = Counter(part.group.asked.recipe for part in compared)
    return [f"{count} sets of {recipe} questions (another dataset, revision, config or split): each has a section of "
            "its own, and nothing is compared across them." for recipe, count in counts.items() if count > 1]


def _notices(group: Group) -> Iterator[str]:
    """What a reader must know before comparing."""
    if any(score.interval.endswith("_few_groups") for run in group.runs for score in run.metrics.values()):
        yield (f"Some figures rest on fewer than {FEW_GROUPS} {_cluster(group.runs[0])}s: their intervals say how "
               "little that tells about others.")
    counts = [len(run.items) for run in group.runs]
    if len(set(counts)) > 1 and all(counts):
        yield (f"The runs were asked different numbers of questions ({', '.join(map(str, counts))}): read the paired "
               "differences, which rest on shared ones.")
    if silent := [run.label for run in group.runs if not run.items]:
        yield (f"No scores of single questions, and so no paired differences, of: {', '.join(silent)}. Run the recipe "
               "again (answers are kept); lmms-eval needs --log_samples, and figures that are means over questions.")


def _facts(part: Compared, questions: Questions | None) -> list[tuple[str, str]]:
    group = part.group
    facts = [("Questions", f"{len(part.paired.uids):,}" if part.paired.uids else "not known"),
             ("Runs", str(len(group.runs))), ("Config and split", _config_and_split(group))]
    if questions:
        facts.append(("Dataset", f"{questions.manifest['dataset']} {questions.manifest['version']}"))
    if group.revision:
        facts.append(("Revision", group.revision[:12]))
    kind, _, digest = group.asked.manifest_sha256.rpartition(":")
    return [*facts, ("Hash of ids and golds" if kind else "Manifest sha256", digest[:16])]


def _dataset(group: Group) -> tuple[Questions | None, str]:
    """The dataset that the results name, if it is at hand and the same; else why not."""
    opener, results = layout_of(group).open, group.runs[0].results
    if opener is None:
        return None, ""
    try:
        questions = opener(results)
    except InputError as error:
        return None, f"No pictures: {error}."
    if questions.manifest_sha256 != group.asked.manifest_sha256:
        return None, f"No pictures: {group.repo} has been built anew since (manifest {questions.manifest_sha256[:16]})."
    return questions, ""


def _settings(runs: Sequence[Run]) -> list[tuple[str, list[str], bool]]:
    """What decides answers and figures, first that in which the runs differ."""
    held = [_flat({"model": run.results.model}
                  | {key: run.results.settings.get(key) for key in _SETTINGS}
                  | {"environment": run.results.environment}) for run in runs]
    found = []
    for name in dict.fromkeys(chain.from_iterable(held)):
        values = [one.get(name, "") for one in held]
        found.append((name, values, len(set(values)) > 1))
    return sorted(found, key=lambda line: not line[2])


def _flat(values: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            inner = _flat(value)
            found |= inner if key in ("answerer", "environment") else {f"{key}: {k}": v for k, v in inner.items()}
        elif value not in (None, ""):
            found[key] = str(value)
    return found


# ---------------------------------------------------------------- questions


def _picks(part: Compared, questions: Questions | None) -> list[tuple[str, str, list[Card]]]:
    lists = [
        ("Worst questions", "Lowest mean score of the models (of all runs where every one is a baseline), not more "
         "than two of a kind.", worst(part, CARDS)),
        ("Most contested questions", "Largest spread of scores between runs, not more than two of a kind.",
         contested(part, CARDS)),
    ]
    places = {row["uid"]: i for i, row in enumerate(questions.rows)} if questions else {}
    wanted = {places[uid] for _, _, uids in lists for uid in uids if uid in places}
    encoded = dict(questions.views(wanted)) if questions else {}

    def card(uid: str) -> Card:
        row = questions.rows[places[uid]] if questions and uid in places else None
        return card_of(row, uid, encoded[places[uid]] if row else [], part.group.runs)

    return [(title, about, [card(uid) for uid in uids]) for title, about, uids in lists if uids]
