"""The promises of pyproject.toml and constraints.txt to each other."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def _pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    wrong = [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line)]
    assert not wrong, f"constraints.txt holds only NAME==VERSION, installable anywhere; not {wrong}"
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def _requirements(extras: list[str]) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    requirements = [Requirement(line) for lines in lists for line in lines]
    return [want for want in requirements if want.marker is None or want.marker.evaluate()]


def test_every_file_that_code_reads_is_packaged():
    """Templates, wording, scene lists: package-data names files by suffix."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns, packages = tool["package-data"]["*"], tool["packages"]["find"]["include"]
    files = [path for package in packages for path in (ROOT / package.rstrip("*")).rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix not in (".py", ".pyc")]
    assert {path.suffix for path in data} >= {".yaml", ".jinja", ".txt", ".csv", ".css"}
    assert [path for path in data if not any(path.match(pattern) for pattern in patterns)] == []


@pytest.mark.parametrize("want", _requirements(["geometry", "render", "dev", "models"]), ids=lambda want: want.name)
def test_every_direct_dependency_is_pinned_within_its_range(want: Requirement) -> None:
    pins = _pins()
    name = canonicalize_name(want.name)
    assert name in pins, f"{want.name} would drift: add it to constraints.txt"
    assert want.specifier.contains(pins[name]), f"constraints.txt pins {pins[name]}, pyproject.toml wants {want}"
