"""The report on probed models: one HTML page that needs no network, and each figure as a PDF beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure as Drawing

from builders.hub.files import replacing
from metrics.axis_coherence._intervals import FEW_GROUPS
from metrics.vd_ei._vectors import AXES
from recipes.probe import figures
from recipes.probe.across import Relation, relations
from recipes.probe.analysis import ALL, BOTH_CORRECT, Analysis
from recipes.probe.measures import FIGURES, NAMES, Figure
from recipes.reporting.tunnel_figures import _svg
from recipes.results import Results

_FOLDER = Path(__file__).parent
REPORT = "report.html"
FIGURE_FOLDER = "figures"

SUBSETS = {ALL: "all pairs", BOTH_CORRECT: "both questions right"}
MEANINGS = {
    "coh_horizontal": "how well left and right agree on a direction; 1: all deltas parallel",
    "coh_vertical": "the same of above and below",
    "coh_distance": "the same of far and close",
    "vd_ei": "how far above goes with far and below with close: the paper's four terms; 0: separate, 1: one direction",
    "vd_ei_pooled": "the same from pooled means, as the released code has it",
}


@dataclass(frozen=True)
class Drawn:
    """A figure on the page."""

    name: str
    """Of its PDF."""
    svg: Markup
    caption: str
    wide: bool = True


@dataclass(frozen=True)
class Section:
    """One run on the page."""

    analysis: Analysis
    results: Results
    label: str
    lines: dict[str, list[Figure | None]]
    """Figure -> all pairs, both right."""
    drawings: list[Drawn]


def write_report(analyses: Sequence[Analysis], results: Sequence[Results], scores: Sequence[Results], out: Path) -> int:
    """Write the page and the PDFs.

    Args:
        scores: of ``recipes/shortcut_splits.py``, for the figure of counter accuracy.

    Returns:
        How many PDFs.
    """
    sections = [_section(analysis, result, f"{number + 1}_" if len(analyses) > 1 else "", out)
                for number, (analysis, result) in enumerate(zip(analyses, results, strict=True))]
    related = relations(results, scores)
    across = [_drawn(out, f"across_{number + 1}", figures.scatter(each), _caption(each), wide=False)
              for number, each in enumerate(related)]
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    style = (_FOLDER.parent / "reporting" / "style.css").read_text()
    page = environment.get_template("report.html.jinja").render(
        style=Markup(style), sections=sections, across=across, names=NAMES, meanings=MEANINGS, subsets=SUBSETS,
        figure_keys=FIGURES, axes=AXES, few_groups=FEW_GROUPS)
    with replacing(out / REPORT) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return len(across) + sum(len(section.drawings) for section in sections)


def _section(analysis: Analysis, results: Results, prefix: str, out: Path) -> Section:
    drawings = []
    for subset, words in SUBSETS.items():
        if subset in analysis.subsets:
            drawings.append(_drawn(out, f"{prefix}layers_{subset}", figures.layer_curves(analysis, subset),
                                   f"Each layer, {words}. Bands: 95 % intervals. Dotted: mean coherence under permuted "
                                   f"labels. Hollow: the means cannot be told from noise. Line: layer "
                                   f"{analysis.layer}."))
    for subset, words in SUBSETS.items():
        if subset in analysis.subsets:
            drawings.append(_drawn(out, f"{prefix}heat_map_{subset}", figures.heat_map(analysis.at_layer(subset)),
                                   f"Cosines of the category means at layer {analysis.layer}, {words}.", wide=False))
    for subset, words in SUBSETS.items():
        if subset in analysis.subsets:
            drawings.append(_drawn(out, f"{prefix}pca_{subset}", figures.components(analysis.subsets[subset]),
                                   f"Deltas at layer {analysis.layer} along their principal components, {words}."))
    if len(analysis.styles) > 1:
        drawings.append(_drawn(out, f"{prefix}wordings", figures.wordings(analysis),
                               f"The same pairs in each wording at layer {analysis.layer}, with 95 % intervals."))
    lines = {key: [analysis.at_layer(subset).figures[key] if subset in analysis.subsets else None for subset in SUBSETS]
             for key in FIGURES}
    label = analysis.index.model.rstrip("/").rsplit("/", 1)[-1]
    return Section(analysis, results, label, lines, drawings)


def _drawn(out: Path, name: str, drawing: Drawing, caption: str, wide: bool = True) -> Drawn:
    with replacing(out / FIGURE_FOLDER / f"{name}.pdf") as temporary:
        drawing.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    return Drawn(name, Markup(_svg(drawing)), caption, wide)


def _caption(related: Relation) -> str:
    if related.rho is None:
        return f"{related.name}, {len(related.points)} models: too few for a correlation."
    return (f"{related.name}, {len(related.points)} models. Models of one family are not independent: rho is less "
            "certain than its interval.")
