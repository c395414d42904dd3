"""Small rules about files: nothing half-written under a final name, no name that leaves its folder."""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders.errors import InputError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that takes its place when the block succeeds, and vanishes when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")  # process ids repeat between machines
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(error.errno, f"writing {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def safe_name(name: str) -> str:
    """``name`` if it can be a file name of its own, else ``InputError``.

    Example:
        >>> safe_name("scene0001_00")
        'scene0001_00'
    """
    if not is_safe_name(name):
        raise InputError(f"{name!r} cannot be a scene id: letters, digits, '.', '_', '+' and '-' only")
    return name


def is_safe_name(name: str) -> bool:
    """Whether ``name`` names a file or folder here, and none elsewhere."""
    return _SAFE.fullmatch(name) is not None


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
