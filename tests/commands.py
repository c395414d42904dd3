"""Commands as a user types them, run in this process: starting another one costs a second and more of imports.

What only a process shows (an exit status that reaches the shell, an environment read at import, a kill) has tests that
start one.
"""

import importlib
import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from builders.command import run_command

ROOT = Path(__file__).parents[1]


class Ended(NamedTuple):
    """What is left of a command."""

    returncode: int
    stdout: str
    stderr: str


def run(script: str, *arguments: object) -> Ended:
    """Run a command-line program, such as ``scripts/build.py``, with these arguments.

    An error that the program does not turn into an exit code is raised: a user would see a traceback.
    """
    app = importlib.import_module(script.removesuffix(".py").replace("/", ".")).app
    stdout, stderr = io.StringIO(), io.StringIO()
    with (redirect_stdout(stdout), redirect_stderr(stderr),
          patch.object(sys, "argv", [Path(script).name, *map(str, arguments)])):
        try:
            run_command(app)
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Ended(code, stdout.getvalue(), stderr.getvalue())


def run_process(script: str, *arguments: object) -> Ended:
    """The same in a process of its own, from a folder that is not the project's."""
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    return Ended(done.returncode, done.stdout, done.stderr)
