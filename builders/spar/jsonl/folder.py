"""A folder that appears whole or not at all."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders.errors import InputError


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` that takes its name when the block succeeds, and vanishes when it fails.

    Raises:
        InputError: ``out`` holds something already, or another command is writing it.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists already; choose an empty or new --out")
    partial = out.absolute().with_name(f".{out.absolute().name}.partial")
    try:
        partial.mkdir(parents=True, exist_ok=True)
    except (NotADirectoryError, FileExistsError, PermissionError) as error:
        raise InputError(f"{out}: cannot be made ({error.strerror}); choose another --out") from error
    with (partial / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another command is writing there; wait for it") from None
        for left in partial.iterdir():  # of a command that was killed
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name != ".lock":
                left.unlink()
        try:
            yield partial
            (partial / ".lock").unlink()
            partial.rename(out.absolute())
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
