"""Metrics as `evaluate` modules: one folder each, which can be pushed to the Hub on its own."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import evaluate


def load(name: str) -> "evaluate.EvaluationModule":
    """Load a metric of this package through `evaluate`, from any working directory.

    (`evaluate.load` takes a relative path for the name of a Hub repository.)

    Raises:
        ValueError: no metric of that name; the message lists those there are.
    """
    root = Path(__file__).resolve().parent
    if not (root / name / f"{name}.py").is_file():
        known = sorted(path.parent.name for path in root.glob("*/*.py") if path.stem == path.parent.name)
        raise ValueError(f"no metric named {name!r}; there are: {', '.join(known)}")
    import evaluate

    return evaluate.load(str(root / name))
