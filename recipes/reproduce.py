"""Recompute the derived figures of the papers from the numbers they print.

    python recipes/reproduce.py
    python recipes/reproduce.py --table tunnel --table spar_full

For each figure: what is printed, what the paper's own numbers give, the difference, and a verdict. Averages, levels and
ranks of SPAR-Bench, gaps of SpatialTunnel, counts behind percentages, Wilson intervals, correlations, mix totals.

A figure agrees within a tolerance that is stated per table. Known slips of the papers are listed with both values and
the reason in recipes/published/expected_mismatches.yaml. The numbers lie beside that list, one CSV per printed table
with its source. Some figures only bound a printed value ("in 0 to 1", "near the middle"): recomputed is then the
nearest value allowed.
Exit codes: 0 all agree but the listed mismatches, which have the listed values; 1 some figure differs, or one on the
list agrees; 2 bad arguments.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from builders.errors import InputError
from recipes.published import FOLDER, Published
from recipes.reproduction import far_looks_up, spar
from recipes.reproduction.figures import Judged, Verdict, faults, judge

CHECKS = {**spar.CHECKS, **far_looks_up.CHECKS}

FOLDED_ABOVE = 60
"""Tables with more figures than this show only those that do not agree, unless they were asked for by name."""

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=(__doc__ or "").replace("\n\n    python", "\n\n\b\n    python"))
def main(
    table: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this table, with every row; repeatable. "
                                                    f"One of: {', '.join(CHECKS)}.")] = None,
    all_rows: Annotated[bool, typer.Option("--all-rows", help="Print every row of long tables too.")] = False,
    data: Annotated[Path, typer.Option(help="The folder with the printed numbers.",
                                         show_default="recipes/published")] = FOLDER,
) -> None:
    names = list(dict.fromkeys(table or CHECKS))
    if unknown := [name for name in names if name not in CHECKS]:
        raise InputError(f"no table named {unknown[0]!r}; there are: {', '.join(CHECKS)}")
    published = Published(data)
    judged = {name: judge(name, CHECKS[name], published) for name in names}
    for name, items in judged.items():
        print(table_text(name, items, all_rows or bool(table)), end="\n\n")
    print(summary_text(judged))
    raise typer.Exit(1 if any(faults(items) for items in judged.values()) else 0)


def table_text(name: str, items: list[Judged], every_row: bool) -> str:
    """One check: what it is, its rows, and how many figures got which verdict."""
    shown = [item for item in items if every_row or len(items) <= FOLDED_ABOVE or item.verdict is not Verdict.AGREES]
    if not every_row and len(items) > FOLDED_ABOVE:
        shown = [item for item in shown if item.verdict is not Verdict.NOT_PRINTED]
    width = max((len(item.figure.row) for item in shown), default=3)
    wide = max((len(item.figure.quantity) for item in shown), default=6)
    lines = [f"{name}: {CHECKS[name].about}"]
    if shown:
        lines.append(f"  {'row':<{width}}  {'figure':<{wide}}  {'printed':>10}  {'recomputed':>10}  {'difference':>10}")
    reasons: dict[str, int] = {}
    for item in shown:
        note = f" [{reasons.setdefault(item.reason, len(reasons) + 1)}]" if item.reason else ""
        figure, digits = item.figure, item.figure.decimals + (0 if item.figure.decimals == 0 else 1)
        printed = "-" if figure.published is None else f"{figure.published:.{figure.decimals}f}"
        difference = "-" if figure.published is None else f"{figure.recomputed - figure.published:+.{digits}f}"
        lines.append(f"  {figure.row:<{width}}  {figure.quantity:<{wide}}  {printed:>10}  "
                     f"{figure.recomputed:>10.{digits}f}  {difference:>10}  {item.verdict}{note}")
    lines += [f"  [{number}] {reason}" for reason, number in reasons.items()]
    return "\n".join([*lines, f"  {_counts(items)}"])


def summary_text(judged: dict[str, list[Judged]]) -> str:
    """How many figures of all checks got which verdict."""
    items = [item for items in judged.values() for item in items]
    return f"{len(judged)} tables, {_counts(items)}"


def _counts(items: list[Judged]) -> str:
    counts = Counter(item.verdict for item in items)
    return f"{len(items)} figures: " + ", ".join(f"{counts[kind]} {kind}" for kind in Verdict if counts[kind])


if __name__ == "__main__":
    run_command(app)
