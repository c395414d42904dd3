"""Scores as a table for the terminal."""

from builders.spar.tasks import TASKS
from recipes.results import Results
from recipes.scoring import LEVELS, Score


def score_text(results: Results) -> str:
    """The table: tasks under their level, each score with its interval and counts.

    Figures are percentages; the brackets hold the 95 % interval.
    """
    settings = results.settings
    lines = [f"{results.model} on {results.dataset['repo']} ({settings['config']}/{settings['split']})", ""]
    lines.append(f"{'':<24}{'score':>7}  {'95 % interval':<16}{'questions':>9}{'scenes':>8}{'unread':>8}")
    for level in LEVELS:
        name = f"level_{level}"
        if name in results.metrics:
            own = {task: TASKS[task] for task in results.metrics if task in TASKS and TASKS[task].level == level}
            lines.append(_line(f"{level.capitalize()} ({len(own)} task{'s' * (len(own) > 1)})", results.metrics[name]))
            lines += [_line(f"  {task.short}", results.metrics[name]) for name, task in own.items()]
    average = results.metrics["average"]
    lines.append(_line(f"Average ({average.n_tasks} tasks)", average))
    if average.interval.endswith("_few_groups"):
        lines += ["", f"Only {average.n_groups} scene{'s' * (average.n_groups > 1)}: intervals say little about other "
                      "scenes (20 or more are needed for a bootstrap)."]
    if unread := {k: v for k, v in settings["answers_by_status"].items() if k != "ok"}:
        lines += ["", "Answers that score 0: " + ", ".join(f"{count} {status}" for status, count in unread.items())]
    return "\n".join(lines)


def _line(label: str, score: Score) -> str:
    interval = f"[{score.low:.1f}, {score.high:.1f}]"
    return f"{label:<24}{score.value:>7.1f}  {interval:<16}{score.n:>9}{score.n_groups:>8}{score.n_unparsed:>8}"
