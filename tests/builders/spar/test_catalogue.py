"""The table of task types that readers find beside the code."""

from pathlib import Path

from builders.spar.catalogue import as_markdown
from builders.spar.tasks import TASKS
from builders.spar.wording import asks_briefly

PAGE = Path(__file__).parents[3] / "builders" / "spar" / "tasks" / "README.md"


def test_the_page_lists_the_registry():
    assert PAGE.read_text() == as_markdown(TASKS.values()), "scripts/build.py tasks --markdown > " + str(PAGE)


def test_no_two_tasks_ask_the_same():
    asked = [asks_briefly(name) for name in TASKS]
    assert len(set(asked)) == len(TASKS) and not any("|" in text or "\n" in text for text in asked)
