"""The copies of shared code in the metric folders: equal, complete, and made by one command."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def sync(*arguments):
    script = ROOT / "scripts" / "sync_metrics.py"
    return subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True)


def test_vendored_copies_are_equal():
    done = sync("--check")
    assert done.returncode == 0, done.stdout
    for name in ("mra", "choice_accuracy", "view_change", "spar_score"):
        for shared in ("answers", "intervals"):
            copy = ROOT / "metrics" / name / f"_{shared}.py"
            assert copy.read_bytes() == (ROOT / "metrics" / "_shared" / f"{shared}.py").read_bytes()


def test_copies_bring_along_what_they_import_themselves(tmp_path):
    for name, text in (("words", "from .letters import a\n"), ("letters", "a = 1\n"), ("unused", "b = 2\n")):
        (tmp_path / "_shared").mkdir(exist_ok=True)
        (tmp_path / "_shared" / f"{name}.py").write_text(text)
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "toy.py").write_text("from ._words import a\n")
    assert sync("--metrics", str(tmp_path)).returncode == 0
    assert (tmp_path / "toy" / "_words.py").read_text() == "from ._letters import a\n"
    assert (tmp_path / "toy" / "_letters.py").read_text() == "a = 1\n"
    assert not (tmp_path / "toy" / "_unused.py").exists()


def test_check_names_the_copies_that_differ_and_sync_mends_them(tmp_path):
    (tmp_path / "_shared").mkdir()
    (tmp_path / "_shared" / "answers.py").write_text("new = 1\n")
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "toy.py").write_text("from ._answers import new\nfrom ._core import old\n")
    (tmp_path / "toy" / "_answers.py").write_text("new = 0\n")
    checked = sync("--check", "--metrics", str(tmp_path))
    assert (checked.returncode, checked.stdout) == (1, "toy/_answers.py differs\n")
    assert (tmp_path / "toy" / "_answers.py").read_text() == "new = 0\n"
    assert sync("--metrics", str(tmp_path)).returncode == 0
    assert sync("--check", "--metrics", str(tmp_path)).stdout == ""
