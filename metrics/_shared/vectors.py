"""Delta vectors of contrastive probing: the six spatial categories, checked input, unit vectors, sums by key.

A delta vector is h(swapped question) - h(original question) of a model's hidden state; its category is the answer of
the original question (arXiv 2605.30161, section on contrastive probing).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CATEGORIES = ("left", "right", "above", "below", "far", "close")
"""Order of every table over categories."""

AXES = {"horizontal": ("left", "right"), "vertical": ("above", "below"), "distance": ("far", "close")}
"""Axis -> its canonical category, whose vectors keep their sign, and the opposite one, whose vectors are negated."""

ALIASES = {"under": "below", "beneath": "below"}
"""Wordings of published questions -> category."""


class DeltaVectors(NamedTuple):
    """The vectors that are not zero."""

    values: NDArray[np.float64]
    """(N, d), as given."""
    categories: NDArray[np.int64]
    """(N,) position in `CATEGORIES`."""
    kept: NDArray[np.bool_]
    """(number of items,) False for the items whose vector is zero."""


def _category(item: int, name: object) -> int:
    text = name.strip().lower() if isinstance(name, str) else name
    text = ALIASES.get(text, text) if isinstance(text, str) else text
    if text not in CATEGORIES:
        known = ", ".join((*CATEGORIES, *ALIASES))
        raise ValueError(f"references: item {item} is {name!r}; expected one of {known}")
    return CATEGORIES.index(str(text))


def _matrix(predictions: Any) -> NDArray[np.float64]:
    if not isinstance(predictions, np.ndarray):
        predictions = list(predictions)
        sizes = [len(row) if hasattr(row, "__len__") and not isinstance(row, str) else -1 for row in predictions]
        for item, size in enumerate(sizes):
            if size != sizes[0] or size < 1:
                expected = f"{sizes[0]} numbers, as in item 0" if sizes[0] > 0 else "a vector of numbers"
                raise ValueError(f"predictions: item {item} has {max(size, 0)} numbers; expected {expected}")
    matrix = np.asarray(predictions, dtype=np.float64)  # None becomes NaN
    if matrix.size == 0:
        return np.zeros((len(matrix), 0))
    if matrix.ndim != 2:
        raise ValueError(f"predictions: expected vectors of shape (N, d), got shape {matrix.shape}")
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise ValueError(f"predictions: item {int(np.argmin(finite))} holds NaN, None or an infinite number")
    return matrix


def read_vectors(predictions: Any, references: Iterable[object]) -> DeltaVectors:
    """Check vectors and categories, and drop the zero vectors, which have no direction.

    Args:
        predictions: (N, d) numbers, an array or a sequence of sequences.
        references: (N,) names out of `CATEGORIES` or `ALIASES`; case and outer spaces do not matter.

    Raises:
        ValueError: vectors of unequal length or not finite, unknown categories, unequal counts; the item is named.

    >>> read = read_vectors([[0, 1], [0, 0], [2, 0]], ["left", "far", "Under"])
    >>> read.values.tolist(), read.categories.tolist(), read.kept.tolist()
    ([[0.0, 1.0], [2.0, 0.0]], [0, 3], [True, False, True])
    """
    matrix = _matrix(predictions)
    categories = np.array([_category(item, name) for item, name in enumerate(references)], dtype=np.int64)
    if len(matrix) != len(categories):
        raise ValueError(f"predictions: expected one per reference ({len(categories)}), got {len(matrix)}")
    kept = matrix.any(axis=1)
    return DeltaVectors(matrix if kept.all() else matrix[kept], categories[kept], kept)


def unit_vectors(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, d) vectors that are not zero, brought to length 1; neither large nor small ones overflow.

    >>> unit_vectors(np.array([[3e300, 4e300], [0.0, -1e-300]])).tolist()
    [[0.6, 0.8], [0.0, -1.0]]
    """
    scaled = values / np.maximum(values.max(axis=1), -values.min(axis=1))[:, None]
    return scaled / np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, None]


def sums_by(values: NDArray[np.float64], keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(K,) distinct keys in ascending order and (K, d) sum of the rows of each.

    >>> keys, sums = sums_by(np.array([[1.0], [2.0], [4.0]]), np.array([7, 5, 7]))
    >>> keys.tolist(), sums.tolist()
    ([5, 7], [[2.0], [5.0]])
    """
    if len(keys) == 0:
        return keys, values
    order = np.argsort(keys, kind="stable")
    distinct, starts = np.unique(keys[order], return_index=True)
    return distinct, np.add.reduceat(values[order], starts, axis=0)
