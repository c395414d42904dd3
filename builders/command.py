"""How every command ends: 0 done; 1 failed; 2 bad arguments or input; 3 done, but some scenes were quarantined."""

import inspect
import sys

import typer

from builders.errors import InputError, ShareDone


def _unwrapped(text: str) -> str:
    """Help with its indented examples marked, so that each stays on a line of its own."""
    blocks = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(f"\b\n{block}" if block.startswith("    ") else block for block in blocks)


def run_command(app: typer.Typer) -> None:
    """Run a command-line program; what the user can mend ends in one line on stderr, not in a traceback."""
    command = typer.main.get_command(app)
    command.help = _unwrapped(command.help or "")
    try:
        command()
    except ShareDone as done:
        print(done)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"error: {error}; what was finished is kept, run the same command again", file=sys.stderr)
        sys.exit(1)
