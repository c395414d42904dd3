"""Blender as a library: the optional package, and silence while it works."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def import_bpy() -> ModuleType:
    """The package; ``ImportError`` that says how to get it."""
    try:
        import bpy
    except ImportError as error:
        raise ImportError(
            'Cycles needs the package bpy: pip install "vantage[render]", or use the raycast renderer') from error
    return bpy


@contextmanager
def quiet() -> Iterator[None]:
    """Blender prints progress from C; only the file descriptor can be silenced."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
