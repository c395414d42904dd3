"""How the figures of each recipe are arranged: which come first, what they are called, which dataset they came from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from recipes.comparison.runs import Group
from recipes.grounding import REFINED
from recipes.questions import Questions, open_questions
from recipes.reporting.speed_charts import FIGURES
from recipes.results import Results
from recipes.scene_questions import open_scene_questions
from recipes.scoring import LEVELS, form_named
from recipes.shortcut_questions import open_shortcuts
from recipes.shortcut_scoring import ALL, GAP
from recipes.spatial_tunnel import open_tunnel
from recipes.tunnel_scoring import SIZE

_PARTS = {"all": "all questions", "tagged": "all with a tag", GAP: "gap, consistent - counter"}

_TUNNEL = {
    "v": "mean probability of the right answer; 0.5 is chance",
    "v_cons": "where the farther object is higher",
    "v_ctr": "where the farther object is lower",
    "delta": "v_cons - v_ctr: the height shortcut",
    "delta_s": "v at the smallest size of the farther object - v at the largest: the size shortcut",
    "delta_side": "farther object left - right; there is no height to go by",
    "delta_scene": "the same gap by the corridor's own up, while the camera is rolled",
    "accuracy": "share of questions whose right answer is the more probable one",
    "accuracy_delta": "the gap in accuracy",
    "exact_match": "share of right answers in what was written",
    "exact_match_delta": "the gap in exact match",
    "yes_rate": "share of Yes; half of the answers are",
}


@dataclass(frozen=True)
class Line:
    """One figure, as tables show it."""

    figure: str
    """Key in ``metrics``."""
    label: str
    detail: str = ""
    kind: str = "task"
    """``average``, ``level`` or ``task``: how much weight it has."""
    block: str = ""
    """Heading of the lines it belongs to."""
    signed: bool = False
    """A gap: shown with its sign."""
    less_is_better: bool = False
    """An error."""

    @property
    def name(self) -> str:
        """Where no heading says the block."""
        return f"{self.block}: {self.label}" if self.block else self.label


@dataclass(frozen=True)
class Layout:
    """Of one recipe."""

    title: str
    about: str
    """What the figures are, in a sentence or two."""
    arrange: Callable[[Sequence[str]], list[Line]]
    """Names of figures -> lines in reading order."""
    headlines: Callable[[Sequence[str]], list[str]]
    """The figures that a reader looks for first: those whose differences are shown for every pair of runs."""
    open: Callable[[Results], Questions] | None = None
    """The dataset of a run, for pictures."""


def layout_of(group: Group) -> Layout:
    """The recipe's own, or the plain one."""
    return LAYOUTS.get(group.asked.recipe) or PLAIN


def figure_names(group: Group) -> list[str]:
    """Every figure that one of the runs has."""
    return list(dict.fromkeys(name for run in group.runs for name in run.metrics))


# ---------------------------------------------------------------- SPAR


def _arrange_spar(names: Sequence[str]) -> list[Line]:
    lines = [Line("average", "Average", "mean of all tasks", "average")] if "average" in names else []
    forms = {name: form for name in names if (form := form_named(name))}
    for level in LEVELS:
        own = [Line(name, form.short, form.name) for name, form in forms.items() if form.task.level == level]
        if f"level_{level}" in names:
            lines.append(Line(f"level_{level}", level.capitalize(), f"mean of {len(own)} tasks", "level"))
        lines += own
    known = {line.figure for line in lines}
    return lines + [Line(name, name) for name in names if name not in known]


def _open_spar(results: Results) -> Questions:
    return open_questions(*_place(results), _configs(results), results.settings["split"])


# ---------------------------------------------------------------- consistent and counter


def _arrange_shortcuts(names: Sequence[str]) -> list[Line]:
    lines = []
    for name in names:
        block, _, part = name.rpartition("/")
        kind = "average" if block == ALL and part in (ALL, GAP) else "task"
        lines.append(Line(name, _PARTS.get(part, part), "", kind, block, part == GAP))
    return lines


def _open_shortcuts(results: Results) -> Questions:
    split = results.settings["split"]
    return open_shortcuts(*_place(results), _configs(results), "" if "," in split else split)


# ---------------------------------------------------------------- SpatialTunnel


def _arrange_tunnel(names: Sequence[str]) -> list[Line]:
    lines = []
    for name in names:
        config, _, figure = name.partition("/")
        if not figure.startswith(SIZE):  # the size curve shows those
            kind = "average" if figure in ("v", "delta", "delta_s") else "task"
            lines.append(Line(name, figure, _TUNNEL.get(figure, ""), kind, config, "delta" in figure))
    return lines


def _tunnel_headlines(names: Sequence[str]) -> list[str]:
    wanted = ("phase_variation/v", "phase_variation/delta", "size_variation/delta_s")
    return [name for name in wanted if name in names] or [name for name in names if name.endswith(("/v", "/delta"))]


def _open_tunnel(results: Results) -> Questions:
    return open_tunnel(*_place(results), _configs(results), results.settings["split"])


# ---------------------------------------------------------------- boxes and maps


def _arrange_grounding(names: Sequence[str]) -> list[Line]:
    """Those without refinement first."""
    lines = []
    for name in sorted(names, key=lambda name: name.startswith(f"{REFINED}/")):
        block, _, figure = name.rpartition("/")
        label = figure.replace("acc@", "Acc@").replace("mean_iou", "mean IoU")
        lines.append(Line(name, label, "", "task" if block else "average", block.replace("/", ", ")))
    return lines


def _arrange_bev(names: Sequence[str]) -> list[Line]:
    lines = []
    for name in names:
        block, _, figure = name.rpartition("/")
        near = figure.startswith("within")
        label = f"placed within {figure.removeprefix('within_')}" if near else _POSITION_ERRORS[figure]
        heading = "" if near or not block else f"{block} from the first camera"
        lines.append(Line(name, label, "", "task" if block else "average", heading, less_is_better=not near))
    return sorted(lines, key=lambda line: line.less_is_better)


_POSITION_ERRORS = {"ape": "position error, mean", "p50": "position error, median", "p90": "position error, P90"}


def _open_3d(results: Results) -> Questions:
    return open_questions(*_place(results), results.settings["config"].split(","), results.settings["split"])


# ---------------------------------------------------------------- ScanQA and SQA3D

_SCENE_QA = {
    "exact_match": ("Exact match", "one of the right answers, but for case, punctuation and number words"),
    "exact_match_refined": ("Refined", "one of them is part of the answer, or it of one of them"),
    "bleu_4": ("BLEU-4", "of all answers together"),
    "cider": ("CIDEr", "mean over questions; may be above 100"),
}


def _arrange_scene_qa(names: Sequence[str]) -> list[Line]:
    lines = [Line(name, *_SCENE_QA[name], "average") for name in names if name in _SCENE_QA]
    return lines + [Line(name, name.partition("/")[2], block="Exact match by kind of question")
                    for name in names if name not in _SCENE_QA]


def _open_scene_qa(results: Results) -> Questions:
    """Without pictures: results do not say where the scans are."""
    return open_scene_questions(results.settings["config"], results.dataset["repo"], results.settings["split"])


# ---------------------------------------------------------------- efficiency


def _arrange_speed(names: Sequence[str]) -> list[Line]:
    """By setting."""
    parts = (name.partition("/") for name in names)
    return [Line(f"{setting}/{figure}", FIGURES[figure], block=setting, less_is_better=True)
            for setting, _, figure in parts]


# ---------------------------------------------------------------- others


def _arrange_plain(names: Sequence[str]) -> list[Line]:
    """By the words before the last slash; gaps and differences by their names; tasks of SPAR as SPAR has them."""
    if "average" in names:
        return _arrange_spar(names)
    lines = []
    for name in names:
        block, _, figure = name.rpartition("/")
        lines.append(Line(name, figure, block=block, signed=any(word in figure for word in ("gap", "delta"))))
    return lines


def _plain_headlines(names: Sequence[str]) -> list[str]:
    return [name for name in ("average", "accuracy", "gap") if name in names] or list(names[:2])


def _place(results: Results) -> tuple[str, str | None]:
    return results.dataset["repo"], results.dataset["revision"]


def _configs(results: Results) -> list[str]:
    """As the options of a recipe say it: none where it took them all, or the default."""
    config = results.settings["config"]
    return [] if config in ("all", "default") else config.split(",")


LAYOUTS: Mapping[str, Layout] = {
    "spar_bench": Layout(
        "SPAR", "Percent, higher is better: mean relative accuracy of numbers, share of right choices and names. A "
        "level is the mean of its tasks, the average that of all tasks. Intervals over scenes.",
        _arrange_spar, lambda names: [name for name in ("average",) if name in names], _open_spar),
    "shortcut_splits": Layout(
        "Consistent and counter", "Percent. In photographs the farther of two objects mostly stands higher. Where "
        "that holds a question is consistent, where it does not counter, and where both stand about as high ambiguous. "
        "Who sees depth scores alike on the first two; who goes by height does not. A gap is uninformative where "
        "the score cannot be told from chance and the gap not from 0.",
        _arrange_shortcuts, lambda names: [name for name in (f"{ALL}/{ALL}", f"{ALL}/{GAP}") if name in names],
        _open_shortcuts),
    "spatial_tunnel": Layout(
        "SpatialTunnel", "Fractions. Two objects in a corridor at fixed depths, moved around its cross section: height "
        "in the image says nothing about depth. v is the mean probability of the right answer (0.5 is chance), "
        "accuracy how often that is above one half, exact match how often what was written is right; delta = v_cons - "
        "v_ctr, 0 for who sees depth, 1 for who goes by height.",
        _arrange_tunnel, _tunnel_headlines, _open_tunnel),
    "grounding": Layout(
        "Grounding", "Percent. Boxes in words, placed through the cameras: Acc@k is the share of boxes that overlap "
        "the true one with an IoU of at least k; refined: after each was replaced by the best-matching proposal. "
        "unique: nothing else in the scene has the label; multiple: others have it.",
        _arrange_grounding, lambda names: ["mean_iou"], _open_3d),
    "bev": Layout(
        "Bird's-eye maps", "Position errors in metres, less is better: mean, median and 90th percentile over the "
        "objects that an answer places (unread: those that it leaves out), also by distance from the first camera. "
        "Shares of objects placed within half a metre and a metre are fractions; what is left out counts against them.",
        _arrange_bev, lambda names: ["within_1m"], _open_3d),
    "scene_qa": Layout(
        "ScanQA and SQA3D", "Percent, higher is better: short answers about ScanNet scenes, which are shown by some of "
        "their frames. Runs may show different frames: the settings say which. Intervals over scenes.",
        _arrange_scene_qa, lambda names: [name for name in ("exact_match",) if name in names], _open_scene_qa),
    "efficiency": Layout(
        "Efficiency", "Medians, lower is better, with 95 % intervals: milliseconds until the features of the "
        "pictures, and the whole answer, are there; MiB in use at most. Only what was measured in the same way on the "
        "same device is compared.", _arrange_speed, lambda names: []),
}
"""Recipe -> layout."""

PLAIN = Layout("", "Figures as their program gave them, with its own intervals.", _arrange_plain,
               _plain_headlines)
"""Of a recipe that is not among them."""
