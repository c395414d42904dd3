"""Examples in docstrings are run."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

PACKAGES = ("builders", "metrics", "recipes")


def modules():
    for package in PACKAGES:
        found = importlib.import_module(package)
        yield from (m.name for m in pkgutil.walk_packages(found.__path__, f"{package}."))


@pytest.mark.parametrize("name", sorted(n for n in modules() if not n.endswith(".app")))
def test_examples(name, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1] / "metrics")  # there evaluate.load("mra") finds the folder of that name
    assert doctest.testmod(importlib.import_module(name)).failed == 0
