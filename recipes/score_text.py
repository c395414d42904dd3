"""Scores as a table for the terminal."""

from recipes.results import Results
from recipes.scoring import LEVELS, Score, form_named

_LABEL = 30
"""Width of the first column."""


def score_text(results: Results) -> str:
    """The table: task forms under their level, each score with its interval and counts.

    Figures are percentages; the brackets hold the 95 % interval.
    """
    settings = results.settings
    lines = [f"{results.model} on {results.dataset['repo']} ({settings['config']}/{settings['split']})", ""]
    lines.append(f"{'':<{_LABEL}}{'score':>7}  {'95 % interval':<16}{'questions':>9}{'scenes':>8}{'unread':>8}")
    forms = {name: form for name in results.metrics if (form := form_named(name))}
    for level in LEVELS:
        name = f"level_{level}"
        if name in results.metrics:
            own = {name: form for name, form in forms.items() if form.task.level == level}
            lines.append(_line(f"{level.capitalize()} ({_tasks(len(own))})", results.metrics[name]))
            lines += [_line(f"  {form.short}", results.metrics[name]) for name, form in own.items()]
    average = results.metrics["average"]
    lines.append(_line(f"Average ({_tasks(average.n_tasks)})", average))
    if average.interval.endswith("_few_groups"):
        lines += ["", f"Only {average.n_groups} scene{'s' * (average.n_groups > 1)}: intervals say little about other "
                      "scenes (20 or more are needed for a bootstrap)."]
    if unread := {k: v for k, v in settings["answers_by_status"].items() if k != "ok"}:
        lines += ["", "Answers that score 0: " + ", ".join(f"{count} {status}" for status, count in unread.items())]
    if unscored := settings.get("unscored"):
        lines += ["", f"Left out: {unscored} question{'s' * (unscored > 1)} that ask{'s' * (unscored == 1)} for a "
                      "sentence, which no metric scores."]
    return "\n".join(lines)


def _tasks(count: int) -> str:
    return f"{count} task{'s' * (count > 1)}"


def _line(label: str, score: Score) -> str:
    interval = f"[{score.low:.1f}, {score.high:.1f}]"
    return f"{label:<{_LABEL}}{score.value:>7.1f}  {interval:<16}{score.n:>9}{score.n_groups:>8}{score.n_unparsed:>8}"
