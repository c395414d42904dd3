"""Hidden states that were recorded elsewhere, for models that do not run here (Molmo v1, NVILA, RoboRefer): from the
released code's npz, or from safetensors with tensors of the same names.

Of each layer k: ``orig_L{k}`` and ``swap_L{k}`` (pairs, width), or ``delta_L{k}`` alone; in an npz also
``categories_L{k}`` (or ``labels_L{k}``), ``indices_L{k}`` (row of the table the question came from) and
``is_correct_orig_L{k}``, ``is_correct_swap_L{k}``. safetensors hold no words: their rows are those of the pairs given,
in order, or by ``indices_L{k}``. Nothing is unpickled.
"""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from builders.hub.files import sha256_of
from metrics.vd_ei._vectors import CATEGORIES
from recipes.probe.pair_files import PAIRS, PairFile, read_pairs, save_pairs
from recipes.probe.pairs import Pair
from recipes.probe.state_files import MARGINS, StateFolder, StateIndex, empty_margins
from recipes.probe.wording import AXIS_OF, category_named

_NAME = re.compile(r"(orig|swap|delta|categories|labels|indices|is_correct_orig|is_correct_swap)_L(\d+)")
_UNPICKLE = ("numpy.savez('new.npz', **{k: numpy.array(v.tolist()) for k, v in numpy.load('old.npz', "
             "allow_pickle=True).items()})")
_ROWS_PER_SHARD = 256

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Imported:
    """What came in."""

    folder: StateFolder
    n_not_finite: int
    """Pairs with NaN or an infinite state in some layer; the report leaves them out and counts them."""
    small: list[str]
    """Categories with fewer than two pairs."""


def import_states(
    states: Path, model: str, run: Path, pairs: PairFile | None = None, n_layers: int = 0, store: str = "float32"
) -> Imported:
    """Bring recorded states into a run's folder.

    Args:
        pairs: the pairs they were recorded for; without, what the file itself says, each pair independent.
        n_layers: of the model; 0: as many as its deepest layer here says.

    Raises:
        InputError: unreadable, pickled, or layers, widths, rows or categories that do not fit.
    """
    arrays = _opened(states)
    layers = sorted({int(found[2]) for name in arrays if (found := _NAME.fullmatch(name))
                     and found[1] in ("orig", "swap", "delta")})
    if not layers:
        raise InputError(f"{states}: has no arrays named orig_L0, swap_L0 or delta_L0 (it has "
                         f"{', '.join(list(arrays)[:6])})")
    if n_layers and layers[-1] >= n_layers:
        raise InputError(f"{states}: holds layer {layers[-1]}, --n-layers {n_layers} says that there is none")
    original, swapped = _states(states, arrays, layers)
    count, width = original.shape[1:]
    rows, kept = _rows(states, arrays, layers, count, pairs)
    original, swapped = original[:, kept], swapped[:, kept]
    margins = {name: values[kept] for name, values in _margins(states, arrays, layers[0], count).items()}
    finite = np.isfinite(original).all(axis=(0, 2)) & np.isfinite(swapped).all(axis=(0, 2))
    if not finite.any():
        raise InputError(f"{states}: every pair has NaN or an infinite number among its states")
    source = pairs.about if pairs else {"dataset": {"repo": states.name, "revision": None,
                                                    "manifest_sha256": sha256_of(states)},
                                        "settings": {}, "left_out": {}}
    run.mkdir(parents=True, exist_ok=True)
    save_pairs(run / PAIRS, rows, source)
    folder = StateFolder.begin(run, StateIndex(
        model=model, pairs_sha256=read_pairs(run).sha256, n_rows=len(rows), rows_per_shard=_ROWS_PER_SHARD,
        layers=tuple(layers), n_layers=n_layers or layers[-1] + 1, width=width, dtype=store,
        settings={"recorded": sha256_of(states), "deltas_only": f"orig_L{layers[0]}" not in arrays}))
    for shard in folder.missing():
        here = folder.index.rows(shard)
        part = slice(here.start, here.stop)
        with folder.claimed(shard) as mine:
            if mine:
                folder.write(shard, {"original": original[:, part], "swapped": swapped[:, part],
                                     **{name: margins[name][part] for name in MARGINS}})
    sizes = {name: sum(pair.category == name for pair in rows) for name in CATEGORIES}
    return Imported(folder, int((~finite).sum()), [name for name, size in sizes.items() if size < 2])


def _opened(path: Path) -> Arrays:
    try:
        if path.suffix == ".safetensors":
            return _safetensors_arrays(path)
        if path.is_file() and not zipfile.is_zipfile(path):
            raise zipfile.BadZipFile("no zip archive")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise InputError(f"{path}: not readable as npz or safetensors ({error})") from error
    except ValueError as error:
        if "allow_pickle" in str(error) or "pickle" in str(error):
            raise InputError(f"{path}: holds object arrays, which could run code when read. Where you trust it: "
                             f"{_UNPICKLE}") from error
        raise InputError(f"{path}: not readable as npz ({error})") from error


def _safetensors_arrays(path: Path) -> Arrays:
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError as error:
        raise InputError(f"{path}: safetensors is not installed: bash scripts/setup.sh geometry,render,dev,models"
                         ) from error
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise InputError(f"{path}: not readable as safetensors ({error})") from error


def _states(path: Path, arrays: Arrays, layers: list[int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """(layers, rows, width) original and swapped; zeros and the delta where there is nothing but deltas."""
    kinds = ("orig", "swap") if f"orig_L{layers[0]}" in arrays else ("delta",)
    held = {}
    first = arrays.get(f"{kinds[0]}_L{layers[0]}")
    for kind in kinds:
        for layer in layers:
            array = arrays.get(f"{kind}_L{layer}")
            if array is None or array.ndim != 2 or array.dtype.kind != "f":
                found = "is missing" if array is None else f"is {array.dtype} of shape {array.shape}"
                raise InputError(f"{path}: {kind}_L{layer} {found}; expected floats of shape (pairs, width)")
            assert first is not None
            if array.shape != first.shape:
                raise InputError(f"{path}: {kind}_L{layer} has shape {array.shape}, {kinds[0]}_L{layers[0]} has "
                                 f"{first.shape}; all layers must have the same pairs and one width")
            held[kind, layer] = array
    stacked = [np.stack([held[kind, layer] for layer in layers]) for kind in kinds]
    return (stacked[0], stacked[1]) if len(stacked) == 2 else (np.zeros_like(stacked[0]), stacked[0])


def _rows(
    path: Path, arrays: Arrays, layers: list[int], count: int, pairs: PairFile | None
) -> tuple[list[Pair], list[int]]:
    """The pair of each recorded row that has one, and which rows these are."""
    said = _same_in_all(path, arrays, layers, "categories", count)
    said = _same_in_all(path, arrays, layers, "labels", count) if said is None else said
    indices = _same_in_all(path, arrays, layers, "indices", count)
    categories = None if said is None else [_category(path, n, word) for n, word in enumerate(said.tolist())]
    if pairs is None:
        if categories is None:
            raise InputError(f"{path}: does not say the categories of its rows; give the pairs they were recorded for: "
                             "--pairs DIR")
        names = [str(n) for n in range(count)] if indices is None else [str(index) for index in indices.tolist()]
        return [Pair(f"{name}/{n}", name, "recorded", AXIS_OF[word], word, "", "", "", "", name, f"{name}/{n}", "")
                for n, (name, word) in enumerate(zip(names, categories))], list(range(count))
    if indices is None and count != len(pairs.pairs):
        raise InputError(f"{path}: holds {count} pairs, {pairs.path} has {len(pairs.pairs)}; record all of them, in "
                         "order, or add indices")
    style = pairs.pairs[0].style
    of_row = {pair.row: pair for pair in pairs.pairs if pair.style == style}
    found = [(n, pair) for n in range(count)
             if (pair := pairs.pairs[n] if indices is None else of_row.get(str(indices[n]))) is not None]
    if not found:
        raise InputError(f"{path}: none of its indices is a row of {pairs.path}")
    for n, pair in found:
        if categories and categories[n] != pair.category:
            raise InputError(f"{path}: row {n} is {categories[n]}, {pairs.path} has {pair.category} there; these "
                             "states are of other pairs")
    return [pair for _, pair in found], [n for n, _ in found]


def _same_in_all(path: Path, arrays: Arrays, layers: list[int], kind: str, count: int) -> NDArray[Any] | None:
    """What the layers say alike; None where they say nothing."""
    first = arrays.get(f"{kind}_L{layers[0]}")
    if first is None:
        return None
    for layer in layers:
        array = arrays.get(f"{kind}_L{layer}")
        if array is None or array.shape != (count,) or not np.array_equal(array, first):
            raise InputError(f"{path}: {kind}_L{layer} is not what {kind}_L{layers[0]} is, or not {count} long; all "
                             "layers must have the same pairs")
    return first


def _category(path: Path, row: int, word: object) -> str:
    category = category_named(word)
    if category is None:
        raise InputError(f"{path}: row {row} has the category {word!r}; expected one of {', '.join(CATEGORIES)}")
    return category


def _margins(path: Path, arrays: Arrays, layer: int, count: int) -> Mapping[str, NDArray[Any]]:
    """1 and -1 for right and wrong answers, where they were recorded."""
    margins = dict(empty_margins(count))
    for name, kind in zip(MARGINS, ("orig", "swap")):
        right = arrays.get(f"is_correct_{kind}_L{layer}")
        if right is not None:
            if right.shape != (count,):
                raise InputError(f"{path}: is_correct_{kind}_L{layer} has shape {right.shape}, expected ({count},)")
            margins[name] = np.where(right.astype(bool), 1.0, -1.0).astype(np.float32)
    return margins
