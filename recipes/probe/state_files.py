"""Hidden states on disk: shards of safetensors, an index, and a checksum beside each shard.

    states/index.json               what the states are of; the same for every process that writes here
    states/shard-00000.safetensors  original, swapped: (layers, pairs, width); margin_original, margin_swapped: (pairs,)
    states/shard-00000.json         its checksum, written last: a shard without one is not there
    states/shard-00000.lock         held, while it lives, by the process that makes the shard

A shard is made by whoever holds its lock, so several processes divide the shards among themselves; the lock of a killed
process is free again. A shard whose bytes are not those of its checksum is made anew.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from builders.hub.files import replacing, sha256_of

SCHEMA_VERSION = 1
FOLDER = "states"
INDEX = "index.json"
DTYPES = ("float16", "float32")
STATES = ("original", "swapped")
MARGINS = ("margin_original", "margin_swapped")

Shard = dict[str, NDArray[Any]]
"""``STATES`` (layers, pairs, width) and ``MARGINS`` (pairs,), NaN where no answer was asked."""


@dataclass(frozen=True)
class StateIndex:
    """What the states of a folder are of. Processes with another index do not write there."""

    model: str
    pairs_sha256: str
    """Of the pairs.parquet whose rows these are."""
    n_rows: int
    rows_per_shard: int
    layers: tuple[int, ...]
    """0-based decoder layers, in order; the states are their raw output."""
    n_layers: int
    """Of the model."""
    width: int
    dtype: str
    """``float16`` or ``float32``, as stored."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What else the states depend on."""

    @property
    def n_shards(self) -> int:
        return -(-self.n_rows // self.rows_per_shard)

    @property
    def n_bytes(self) -> int:
        """On disk, without the shards' headers."""
        return self.n_rows * (2 * len(self.layers) * self.width * np.dtype(self.dtype).itemsize + 8)

    def rows(self, shard: int) -> range:
        first = shard * self.rows_per_shard
        return range(first, min(first + self.rows_per_shard, self.n_rows))


class StateFolder:
    """The states of a run."""

    def __init__(self, run: Path, index: StateIndex) -> None:
        self.folder = run / FOLDER
        self.index = index

    @classmethod
    def begin(cls, run: Path, index: StateIndex) -> "StateFolder":
        """Start or go on.

        Raises:
            InputError: the folder holds states of something else, or the disk is too small.
        """
        made = cls(run, index)
        made.folder.mkdir(parents=True, exist_ok=True)
        with _locked(made.folder / "index.lock", wait=True):
            if (made.folder / INDEX).exists():
                held = cls.open(run).index
                if differing := [name for name, value in asdict(index).items() if asdict(held)[name] != value]:
                    raise InputError(f"{made.folder}: holds states of another run (other {', '.join(differing)}); "
                                     "choose another --out or delete it")
            made._check_disk()
            with replacing(made.folder / INDEX) as temporary:
                temporary.write_text(json.dumps({"schema_version": SCHEMA_VERSION} | asdict(index), indent=1) + "\n")
        return made

    @classmethod
    def open(cls, run: Path) -> "StateFolder":
        """For reading.

        Raises:
            InputError: no index there, or of another form.
        """
        path = run / FOLDER / INDEX
        try:
            held = json.loads(path.read_text())
            version, layers = held.pop("schema_version"), tuple(held.pop("layers"))
            if version != SCHEMA_VERSION:
                raise ValueError(f"schema_version {version}, expected {SCHEMA_VERSION}")
            return cls(run, StateIndex(layers=layers, **held))
        except FileNotFoundError:
            raise InputError(f"{run}: no hidden states; make them with `probing.py collect` or `import`") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not readable as an index of hidden states ({error})") from error

    def path(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:05d}.safetensors"

    def missing(self) -> list[int]:
        """Shards that are not there, or damaged."""
        return [shard for shard in range(self.index.n_shards) if not self.is_whole(shard)]

    def is_whole(self, shard: int) -> bool:
        """Whether its bytes are those that were written."""
        path = self.path(shard)
        try:
            return json.loads(path.with_suffix(".json").read_text())["sha256"] == sha256_of(path)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    @contextmanager
    def claimed(self, shard: int) -> Iterator[bool]:
        """Whether this process is the one to make a shard: nobody else is making it, and it is not there."""
        with _locked(self.path(shard).with_suffix(".lock")) as held:
            yield held and not self.is_whole(shard)

    def write(self, shard: int, arrays: Shard) -> None:
        """Store a shard that this process has claimed.

        Raises:
            InputError: a state is too large for float16.
        """
        path, rows = self.path(shard), len(self.index.rows(shard))
        stored: Shard = {name: np.ascontiguousarray(arrays[name], np.float32) for name in MARGINS}
        for name in STATES:
            with np.errstate(over="ignore"):
                stored[name] = np.ascontiguousarray(arrays[name], self.index.dtype)
            assert stored[name].shape == (len(self.index.layers), rows, self.index.width)
            if (np.isinf(stored[name]) & np.isfinite(arrays[name])).any():
                largest = float(np.abs(arrays[name][np.isfinite(arrays[name])]).max())
                raise InputError(f"{path}: a hidden state of {largest:.0f} does not fit into float16; run it again "
                                 "into another --out with --store float32")
        path.with_suffix(".json").unlink(missing_ok=True)
        with replacing(path) as temporary:
            _safetensors().save_file(stored, temporary)
        with replacing(path.with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps({"sha256": sha256_of(path), "rows": rows}) + "\n")

    def read(self, name: str, layer: int | None = None) -> NDArray[np.float32]:
        """Of all pairs: a state (pairs, width) at a layer, or a margin (pairs,). Call ``require_whole`` before."""
        parts = []
        place = None if layer is None else self.index.layers.index(layer)
        for shard in range(self.index.n_shards):
            with _safe_open(self.path(shard)) as file:
                parts.append(file.get_tensor(name) if place is None else file.get_slice(name)[place])
        return np.concatenate(parts).astype(np.float32)

    def require_whole(self) -> None:
        """Raise ``InputError`` unless all shards are there and undamaged."""
        if missing := self.missing():
            raise InputError(f"{self.folder}: {len(missing)} of {self.index.n_shards} shards are not there or damaged, "
                             f"{self.path(missing[0]).name} first; run the same `collect` or `import` again")

    def _check_disk(self) -> None:
        there = sum(path.stat().st_size for path in self.folder.glob("shard-*.safetensors"))
        needed, free = max(0, self.index.n_bytes - there), shutil.disk_usage(self.folder).free
        if needed > free:
            raise InputError(f"{self.folder}: needs {readable(needed)} more, the disk has {readable(free)}; take fewer "
                             "layers (--layers), --store float16 or another disk")


def readable(count: float) -> str:
    """Bytes in words.

    >>> readable(3_400_000), readable(12)
    ('3.4 MB', '12 B')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


@contextmanager
def _locked(path: Path, wait: bool = False) -> Iterator[bool]:
    """Whether the lock could be had; the system frees it when this process ends, however it ends."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise InputError("hidden states are kept as safetensors, which is not installed: "
                         "bash scripts/setup.sh geometry,render,dev,models") from error
    return safetensors.numpy


def _safe_open(path: Path) -> Any:
    _safetensors()
    from safetensors import safe_open

    return safe_open(path, framework="np")


def empty_margins(rows: int) -> Mapping[str, NDArray[np.float32]]:
    """Of pairs whose answers are not known."""
    return {name: np.full(rows, np.nan, np.float32) for name in MARGINS}
