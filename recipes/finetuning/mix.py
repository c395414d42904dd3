"""Mixes of datasets, declared in YAML (``recipes/mixes/``): what to train on, and how much of each.

    title: Mine
    total: 100000                        # samples; or --total; none: as many as there are without repeating one
    sources:
      rooms:                             # any name; --source rooms=build/spar_7m says where it is
        dataset: org/SPAR-7M             # or here: a folder, a Hub repository, or a JSON file of conversations
        revision: v0.2.0
        config: [depth_prediction_oc, depth_prediction_oo]       # none: all that hold questions
        split: train
        where: {format_type: [select, fill], img_type: [single_view]}     # only rows with one of these values
        balance: heuristic               # as many counter rows as consistent ones
        stream: true                     # read as it comes, nothing downloaded first; conversations only
        share: 0.4
      general: {share: 0.6}              # to be given: --source general=REPO

Every source has a share, or none has: then it has a count of samples, or all its rows are taken, once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from builders.errors import InputError

BALANCES = ("", "heuristic")
_KEYS = ("title", "total", "sources")


@dataclass(frozen=True)
class Source:
    """One dataset of a mix, and how much of it."""

    name: str
    dataset: str = ""
    """A folder, a Hub repository, or a JSON file; empty: to be given with ``--source``."""
    revision: str = ""
    config: tuple[str, ...] = ()
    split: str = "train"
    where: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Column -> the values that rows may have."""
    balance: str = ""
    stream: bool = False
    """Whether the rows are read as they come: how many there are is not known then."""
    count: int | None = None
    share: Fraction | None = None


@dataclass(frozen=True)
class Mix:
    """One file."""

    title: str
    total: int | None
    sources: tuple[Source, ...]


def read_mix(path: Path) -> Mix:
    """The mix that a file declares.

    Raises:
        InputError: not readable, or with a key or value that means nothing.
    """
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not readable as YAML ({' '.join(str(error).split())})") from error
    if not isinstance(held, dict) or "sources" not in held or not held.keys() <= set(_KEYS):
        raise InputError(f"{path}: expected the keys {', '.join(_KEYS)}, of which sources is needed")
    if not isinstance(held["sources"], dict) or not held["sources"]:
        raise InputError(f"{path}: sources: expected names with what each is, got {held['sources']!r}")
    total = held.get("total")
    if total is not None and not _is_count(total):
        raise InputError(f"{path}: total: expected a number of samples, got {total!r}")
    sources = tuple(_source(f"{path}: {name}", str(name), entry or {}) for name, entry in held["sources"].items())
    _check_shares(str(path), sources)
    return Mix(str(held.get("title") or path.stem), total, sources)


def with_datasets(mix: Mix | None, given: Iterable[str]) -> Mix:
    """The mix with what ``--source NAME=DATASET[@REVISION]`` says; without a mix, all rows of what is given, once.

    Raises:
        InputError: a name that the mix has not, or a dataset that nobody has said.
    """
    named: dict[str, tuple[str, str]] = {}
    for pair in given:
        name, separator, dataset = pair.partition("=")
        if not (name and separator and dataset):
            raise InputError(f"--source {pair}: expected NAME=DATASET, a folder, a Hub repository or a JSON file")
        where, at, revision = dataset.rpartition("@")
        named[name] = (where, revision) if at and not Path(dataset).exists() else (dataset, "")
    if mix is None:
        mix = Mix(" + ".join(named), None, tuple(Source(name) for name in named))
    known = [source.name for source in mix.sources]
    if unknown := [name for name in named if name not in known]:
        raise InputError(f"--source {unknown[0]}: {mix.title} has no source of this name; it has: {', '.join(known)}")
    sources = tuple(
        replace(source, dataset=named[source.name][0], revision=named[source.name][1] or source.revision)
        if source.name in named else source for source in mix.sources)
    if lacking := [source.name for source in sources if not source.dataset]:
        raise InputError(f"{mix.title or 'nothing to train on'}: where is {lacking[0]}? Give --source "
                         f"{lacking[0]}=DATASET")
    if not sources:
        raise InputError("nothing to train on: give --mix FILE, or --source NAME=DATASET")
    return replace(mix, sources=sources)


def counts_of(mix: Mix, available: Mapping[str, int | None], total: int | None = None) -> dict[str, int]:
    """Samples of each source in one epoch; they add up to the total exactly.

    Args:
        available: rows that each source has; None: not known.
        total: instead of the mix's own; counts are then scaled to it.

    Raises:
        InputError: neither said nor known how many.

    Example:
        >>> mix = Mix("", None, (Source("a", share=Fraction("0.4")), Source("b", share=Fraction("0.6"))))
        >>> counts_of(mix, {"a": 100, "b": 90})
        {'a': 60, 'b': 90}
        >>> counts_of(mix, {"a": 100, "b": 90}, total=1001)
        {'a': 400, 'b': 601}
    """
    total = total or mix.total
    shares = [source.share for source in mix.sources]
    if shares[0] is not None:
        weights = [Fraction(share or 0) for share in shares]
        most = [int(held / weight) for source, weight in zip(mix.sources, weights, strict=True)
                if (held := available[source.name]) is not None]
        if not total and not most:
            raise InputError(f"{mix.title}: how many samples? Nobody knows how many rows a stream has: give --total")
        total = total or min(most)
    else:
        known = [available[source.name] if source.count is None else source.count for source in mix.sources]
        if unknown := [source.name for source, held in zip(mix.sources, known, strict=True) if held is None]:
            raise InputError(f"{unknown[0]}: nobody knows how many rows a stream has: give it a count")
        counts = [held or 0 for held in known]
        total = total or sum(counts)
        weights = [Fraction(count, sum(counts)) for count in counts]
    return dict(zip((source.name for source in mix.sources), apportioned(total, weights), strict=True))


def apportioned(total: int, weights: Iterable[Fraction]) -> list[int]:
    """A total in whole parts, by the largest remainders; of equal remainders the first gets more.

    Example:
        >>> apportioned(10, [Fraction(1, 3)] * 3)
        [4, 3, 3]
    """
    exact = [weight * total for weight in weights]
    parts = [int(part) for part in exact]
    for place in np.argsort([float(low - part) for part, low in zip(exact, parts, strict=True)], kind="stable")[
            : total - sum(parts)]:
        parts[place] += 1
    return parts


def _source(where: str, name: str, entry: Any) -> Source:
    known = [f.name for f in fields(Source) if f.name != "name"]
    if not isinstance(entry, dict) or (unknown := entry.keys() - set(known)):
        what = f"no key {sorted(unknown)[0]!r}" if isinstance(entry, dict) else repr(entry)
        raise InputError(f"{where}: {what}; there are: {', '.join(known)}")
    held = dict(entry)
    filters = held.get("where") or {}
    if not isinstance(filters, dict):
        raise InputError(f"{where}: where: expected columns with their values, got {filters!r}")
    held["where"] = {column: tuple(values) if isinstance(values, list) else (values,)
                     for column, values in filters.items()}
    configs = held.get("config") or ()
    held["config"] = tuple(configs) if isinstance(configs, list | tuple) else (str(configs),)
    held |= {key: str(held[key] or "") for key in ("dataset", "revision", "split", "balance") if key in held}
    if held.get("balance", "") not in BALANCES:
        raise InputError(f"{where}: balance: {held['balance']!r}; expected heuristic")
    if not isinstance(held.get("stream", False), bool) or (held.get("stream") and held.get("balance")):
        raise InputError(f"{where}: stream: expected true or false, and true only without balance")
    count, share = held.get("count"), held.get("share")
    if count is not None and not _is_count(count):
        raise InputError(f"{where}: count: expected a number of samples, got {count!r}")
    if share is not None:
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise InputError(f"{where}: share: expected a number above 0, at most 1, got {share!r}")
        held["share"] = Fraction(str(share))
    return Source(name, **held)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _check_shares(where: str, sources: Iterable[Source]) -> None:
    shares = [source.share for source in sources]
    if all(share is None for share in shares):
        return
    if any(share is None or source.count for share, source in zip(shares, sources, strict=True)):
        raise InputError(f"{where}: either every source has a share, or none has")
    if sum(share for share in shares if share) != 1:
        raise InputError(f"{where}: shares add up to {float(sum(s for s in shares if s)):g}, not to 1")
