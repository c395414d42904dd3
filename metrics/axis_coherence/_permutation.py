"""Permutation null of a mean pairwise cosine: what it would be if the labels said nothing about the direction.

The labels of an axis (canonical or opposite, such as far or close) are dealt out anew among its vectors; how many
there are of each stays. With groups, the labels of a group move as one block to a group of the same size, so that
what the vectors of a group share stays with the group. A group of a size that no other group has keeps its labels.
"""

import numpy as np
from numpy.typing import NDArray

_NUMBERS_AT_ONCE = 4_000_000


def _blocks(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """For each group size k with at least two groups: (number of such groups, k) items of each."""
    order = np.argsort(groups, kind="stable")
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    shared = [size for size in np.unique(sizes) if (sizes == size).sum() > 1]
    return [order[starts[sizes == size][:, None] + np.arange(size)] for size in shared]


def permuted_coherence(
    units: NDArray[np.float64], signs: NDArray[np.float64], groups: NDArray[np.int64], permutations: int, seed: int
) -> NDArray[np.float64]:
    """Mean pairwise cosines under permuted labels.

    Args:
        units: (N, d) vectors of length 1 before sign correction, N >= 2.
        signs: (N,) labels, +1 canonical and -1 opposite.
        groups: (N,) number of each vector's group; all different where vectors are independent.
        permutations: how many to draw.
        seed: of the draws.

    Returns:
        (permutations,) values; (0,) where no permutation changes a label.

    >>> units = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    >>> np.unique(permuted_coherence(units, np.array([1.0, -1, 1]), np.arange(3), 50, 0).round(6)).tolist()
    [-0.333333, 1.0]
    """
    n = len(units)
    blocks = _blocks(groups)
    if permutations < 1 or not any((signs[block] != signs[block[0]]).any() for block in blocks):
        return np.zeros(0)
    rng = np.random.default_rng(seed)
    step = max(1, _NUMBERS_AT_ONCE // (n + units.shape[1]))
    lengths = []
    for start in range(0, permutations, step):
        rows = min(step, permutations - start)
        dealt = np.tile(signs, (rows, 1))
        for block in blocks:
            moved = rng.permuted(np.tile(np.arange(len(block)), (rows, 1)), axis=1)
            dealt[:, block] = signs[block][moved]
        totals = dealt @ units
        lengths.append(np.einsum("ij,ij->i", totals, totals))
    return (np.concatenate(lengths) - n) / (n * (n - 1))
