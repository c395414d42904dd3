"""How every command ends: 0 done; 1 failed; 2 bad arguments or input; 3 done, but some scenes were quarantined."""

import sys

import typer

from builders.errors import InputError


def run_command(app: typer.Typer) -> None:
    """Run a command-line program; what the user can mend ends in one line on stderr, not in a traceback."""
    try:
        app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"error: {error}; what was finished is kept, run the same command again", file=sys.stderr)
        sys.exit(1)
