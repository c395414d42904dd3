"""What every test relies on: an offline Hugging Face with fresh caches, and the captured scenes where there are some.

The environment is set here, before anything imports ``datasets``: these libraries read it once, at import. A cache per
process keeps parallel test workers apart, and a stale cache from hiding a change.
"""

import atexit
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

_HF_HOME = tempfile.mkdtemp(prefix="vantage-test-hf-")
atexit.register(shutil.rmtree, _HF_HOME, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith("HF_")]:
    del os.environ[_name]  # a token, an endpoint or a cache of the developer's must not reach a test
os.environ.update(
    HF_HOME=_HF_HOME,
    HF_DATASETS_CACHE=f"{_HF_HOME}/datasets",
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_XET="1",  # tests/hub_server speaks LFS
    HF_EVALUATE_OFFLINE="1",
    HF_DATASETS_DISABLE_PROGRESS_BARS="1",
    MPLBACKEND="Agg",
)

# No deadline: a shared machine pauses; the time of one example says nothing about the code.
settings.register_profile("vantage", deadline=None, print_blob=True)
settings.load_profile("vantage")


def _scenes_problem(root: Path) -> str | None:
    """Why ``root`` cannot serve as the folder of captured scenes; None when it can."""
    try:
        json.loads((root / "expected.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"VANTAGE_SCENES is {root}, but its expected.json cannot be read ({error}); correct it or unset it"
    return None


def pytest_report_header() -> str:
    return f"captured scenes: {os.environ.get('VANTAGE_SCENES') or 'none (VANTAGE_SCENES is not set)'}"


@pytest.fixture(scope="session")
def scenes_root() -> Path:
    """Folder of captured scenes in three layouts. Skips when VANTAGE_SCENES is unset, fails when it leads nowhere."""
    value = os.environ.get("VANTAGE_SCENES")
    if not value:
        pytest.skip("VANTAGE_SCENES is not set: no captured scenes to read")
    root = Path(value)
    problem = _scenes_problem(root)
    if problem:
        pytest.fail(problem, pytrace=False)
    return root


@pytest.fixture
def hub(monkeypatch):
    """A Hub of its own (``tests.hub_server``) that this process's client may ask, without waiting between retries."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    from tests.hub_server.server import serving

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(_http, "time", SimpleNamespace(**vars(time) | {"sleep": lambda seconds: None}))
    with serving() as server:
        yield server
    _http.close_session()
