"""What the recipes' tests share."""

from pathlib import Path

import pytest

from recipes.questions import Questions, open_questions
from tests.recipes.made import make_folder, mixed_rows


@pytest.fixture
def small(tmp_path: Path) -> Questions:
    """40 questions of four tasks from two scenes."""
    return open_questions(str(make_folder(tmp_path / "bench", mixed_rows(10, scenes=2))))


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Tiny checkpoints of real architectures."""
    from tests.recipes.tiny_models import FAMILIES, save_tiny

    return {name: str(save_tiny(name, tmp_path_factory.mktemp(name))) for name in FAMILIES}
