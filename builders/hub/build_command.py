"""``DIR/.build/command.json``: what a folder is built from, so that ``merge`` needs no argument but the folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builders.errors import InputError
from builders.hub.files import replacing

NAME = "command.json"


def note_command(folder: Path, command: Mapping[str, Any], joins: bool) -> None:
    """Keep the command of a build.

    Args:
        joins: for a shard; others of the same build may have noted theirs, and must have been given the same.

    Raises:
        InputError: they were not.
    """
    path = folder / ".build" / NAME
    command = json.loads(json.dumps(command))  # lists for tuples, as it will be read
    if joins and path.is_file():
        held = read_command(folder)
        other = next((key for key in sorted(held.keys() | command.keys()) if held.get(key) != command.get(key)), None)
        if other:
            raise InputError(f"{folder}: other shards were begun with {other} = {held.get(other)}, this one has "
                             f"{command.get(other)}; give the same to all, or delete {path} to begin anew")
        return
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(command, indent=1) + "\n")


def read_command(folder: Path) -> dict[str, Any]:
    """The command that a folder was built with.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    path = folder / ".build" / NAME
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); has scripts/build.py been run for this folder?") from error
