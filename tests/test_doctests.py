"""Examples in docstrings are run."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

PACKAGES = ("builders", "metrics", "recipes")
OF_MODELS = ("torch", "transformers", "accelerate")
"""What modules may import at once that nobody imports who runs no model: classes of theirs are their base."""


def modules():
    for package in PACKAGES:
        found = importlib.import_module(package)
        yield from (m.name for m in pkgutil.walk_packages(found.__path__, f"{package}."))


@pytest.mark.parametrize("name", sorted(n for n in modules() if not n.endswith(".app")))
def test_examples(name, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1] / "metrics")  # there evaluate.load("mra") finds the folder of that name
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in OF_MODELS:
            raise
        pytest.skip("the extra `models` is not installed")
    assert doctest.testmod(module).failed == 0
