"""Cells of any file form as plain values: what cannot be read is None or empty, never a wrong value.

pandas writes NaN for an empty cell, TSV has text only, and some copies hold lists as JSON text.
"""

import json
import math
from collections.abc import Sequence
from typing import Any


def text(value: Any) -> str | None:
    """A cell as text; None for nothing and for NaN.

    Example:
        >>> text("chair"), text(7), text(float("nan")), text(None)
        ('chair', '7', None, None)
    """
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)


def number(value: Any) -> float | None:
    """A finite number.

    Example:
        >>> number("2.5"), number(3), number("x"), number(float("inf"))
        (2.5, 3.0, None, None)
    """
    try:
        return float(value) if math.isfinite(float(value)) else None
    except (TypeError, ValueError, OverflowError):
        return None


def whole(value: Any) -> int | None:
    """A whole number of 64 bits.

    Example:
        >>> whole("2"), whole(2.0), whole(2.5), whole(1e300)
        (2, 2, None, None)
    """
    found = number(value)
    return int(found) if found is not None and found.is_integer() and abs(found) < 2**63 else None


def items(value: Any) -> list[Any]:
    """A list, or one in JSON text; empty for anything else.

    Example:
        >>> items(["a", "b"]), items('["a", "b"]'), items("a, b"), items(None)
        (['a', 'b'], ['a', 'b'], [], [])
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def numbers(value: Any) -> list[float]:
    """A list of finite numbers; empty if one of them is none.

    Example:
        >>> numbers([1, 2.5]), numbers([1, None])
        ([1.0, 2.5], [])
    """
    found = [number(item) for item in items(value)]
    return [item for item in found if item is not None] if None not in found else []
