"""Rows chosen so that what could be guessed from a context is as often wrong as right."""

from collections.abc import Hashable, Sequence

import numpy as np

from builders.scenes.scene import Array
from builders.spar.facts import Balanced

_TOLERANCE = 1e-9


def in_balance(
    balances: Sequence[Sequence[Balanced]], groups: Sequence[Sequence[Hashable]], most: Sequence[int], wanted: int,
    rng: np.random.Generator,
) -> list[int]:
    """Which of the candidates may be asked together.

    Candidates are left out one after the other, each time the one that disturbs the balance most, until no group is
    too large and leaving out one more mends nothing: then the sum over all contexts and properties of (how many have
    the property - its share of all in the context - an offset) ** 2 is at a minimum. Of what is left, the same way,
    ``wanted``. Candidates that disturb alike leave in random order.

    The offset is below one, random, and 0 on average: few rows cannot meet a share exactly, and without it they would
    miss it to the same side in every scene. Where balance is not strict there is none, and of the square only the
    products of different candidates count: one that is alone in its contexts disturbs nothing.

    Args:
        balances: of each candidate.
        groups: of each candidate, its group in each of several groupings.
        most: of each grouping, how many candidates of one group may stay.

    Returns:
        Positions of the candidates that stay, ascending.
    """
    effects, offsets, strict = _effects(balances, rng)
    alike = 2 * (effects @ effects.T)
    own, disturbs = effects**2 @ np.where(strict, 1, 2), alike.sum(axis=1) + 2 * (effects @ offsets)
    left = len(balances)
    members = [_numbered(names) for names in zip(*groups, strict=True)]
    sizes = [np.bincount(numbers) for numbers in members]
    order = rng.random(left) * _TOLERANCE
    crowded, mended = True, False
    while left:
        gain = disturbs - own + order
        if crowded:  # groups only shrink
            too_large = np.any([(size > limit)[numbers] for numbers, size, limit
                                in zip(members, sizes, most, strict=True)], axis=0)
            crowded = bool(too_large.any())
        if crowded:
            gain = np.where(too_large, gain, -np.inf)
        worst = int(gain.argmax())
        if not mended and gain[worst] <= 2 * _TOLERANCE and not crowded:
            mended, order = True, rng.random(len(balances)) * _TOLERANCE  # what is left was late in the first order
            continue
        if mended and left <= wanted:
            break
        left -= 1
        disturbs -= alike[worst]
        disturbs[worst] = -np.inf  # it has left
        for numbers, size in zip(members, sizes):
            size[numbers[worst]] -= 1
    return np.flatnonzero(disturbs > -np.inf).tolist()


def _effects(balances: Sequence[Sequence[Balanced]], rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """(candidates, properties): what each adds to the number of those that have a property, less its share; the offset
    of each property, (properties,), with the opposite sign; and whether it must be met strictly, (properties,)."""
    contexts: dict[str, dict[str, int]] = {}
    strict: list[bool] = []
    cells = []
    for number, entries in enumerate(balances):
        for entry in entries:
            places = contexts.setdefault(entry.context, {})
            for name, share in entry.shares.items():
                if name not in places:
                    places[name] = len(strict)
                    strict.append(entry.strict)
                cells.append((number, places[name], (name == entry.holds) - share))
    effects = np.zeros((len(balances), len(strict)))
    for number, place, effect in cells:
        effects[number, place] += effect
    offsets = np.zeros(len(strict))
    for places in contexts.values():
        held = list(places.values())
        if strict[held[0]]:
            offsets[held] = _dither(len(held), rng)
    return effects, offsets, np.array(strict, bool)


def _dither(size: int, rng: np.random.Generator) -> Array:
    """(size,) numbers of sum 0, uniform among those that are nearer to 0 than to any other whole numbers of sum 0:
    added before rounding to the nearest such whole numbers, they make the rounding right on average. The nearest ones
    are found as Conway and Sloane do for the lattice A_n: round each, then mend the sum where it costs least."""
    point = rng.random(size)
    point[-1] = -point[:-1].sum()
    nearest = np.round(point)
    error = point - nearest
    excess = int(nearest.sum())
    order = np.argsort(error)
    nearest[order[:excess] if excess > 0 else order[size + excess:]] -= np.sign(excess)
    return point - nearest


def _numbered(names: Sequence[Hashable]) -> Array:
    """(n,) 0, 1, 2 ... for equal names."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])
