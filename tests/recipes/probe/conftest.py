"""What the tests of probing share."""

from pathlib import Path

import pytest

from recipes.probe.facts import facts_of_dataset
from recipes.probe.pair_files import PairFile, read_pairs, write_pairs
from recipes.probe.pairs import PairSettings, make_pairs
from tests.recipes.probe.made import tunnel_folder


@pytest.fixture(scope="session")
def tunnel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SpatialTunnel of 24 rows for probing: four pictures."""
    return str(tunnel_folder(tmp_path_factory.mktemp("tunnel"), 24))


@pytest.fixture(scope="session")
def pairs(tunnel: str, tmp_path_factory: pytest.TempPathFactory) -> PairFile:
    """Its 12 pairs in two wordings."""
    folder, found = tmp_path_factory.mktemp("pairs"), facts_of_dataset(tunnel)
    settings = PairSettings(("published", "terse"))
    made = make_pairs(found.facts, settings)
    write_pairs(folder, made.pairs, found.images, {"dataset": found.dataset, "settings": {"styles": settings.styles},
                                                   "left_out": dict(made.left_out)})
    return read_pairs(folder)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder for a run."""
    return tmp_path / "run"
