"""The vertical-position shortcut, as one rule for every dataset (Why Far Looks Up, section 3.1).

In photographs the farther object is usually higher in the image. A pair that follows this is ``consistent``, a pair
that defies it is ``counter``, and a pair whose heights are too close to tell is ``ambiguous``.

The rule compares exactly, in the decimals that a number prints as: 100.1 means 100.1, not the binary float beside it.
So a pair that is apart by exactly the dead zone is decided, whatever rounding would make of it.
"""

from collections.abc import Sequence
from fractions import Fraction

MIN_GAP = 0.05
"""Dead zone of photographs and SPAR images, share of the image height (the paper, table 1). The tunnel uses 0."""

TAGS = ("consistent", "counter", "ambiguous")

Number = float | Fraction


def exact(value: Number) -> Fraction:
    """The number that ``value`` prints as; ``ValueError`` if it is not finite.

    Example:
        >>> exact(0.05), exact(3), 0.1 + 0.2 == 0.3, exact(0.1) + exact(0.2) == exact(0.3)
        (Fraction(1, 20), Fraction(3, 1), False, True)
    """
    return value if isinstance(value, Fraction) else Fraction(repr(float(value)))


def exact_gap(near_box: Sequence[Number], far_box: Sequence[Number], image_height: int) -> Fraction:
    """How much higher the farther object stands, as a share of the image height.

    Args:
        near_box, far_box: x1, y1, x2, y2 in pixels, y down, unrounded.
        image_height: of the decoded image, pixels.

    Example:
        >>> exact_gap((0, 300.1, 10, 400), (0, 276.1, 10, 376), 480)
        Fraction(1, 20)
    """
    near, far = (exact(box[1]) + exact(box[3]) for box in (near_box, far_box))
    return (near - far) / 2 / image_height


def vertical_gap(near_box: Sequence[float], far_box: Sequence[float], image_height: float) -> float:
    """``exact_gap`` in floating point, for boxes that are results of floating-point geometry themselves.

    Example:
        >>> vertical_gap((0, 300, 10, 400), (0, 100, 10, 200), 500)
        0.4
    """
    return ((near_box[1] + near_box[3]) - (far_box[1] + far_box[3])) / 2 / image_height


def tag(gap: Number, min_gap: float = MIN_GAP) -> str:
    """``consistent``, ``counter`` or ``ambiguous`` for a vertical gap.

    A gap of exactly ``min_gap`` counts as decided, except for a tie (gap 0), which never is.

    Example:
        >>> tag(0.2), tag(-0.2), tag(0.01), tag(0.0, min_gap=0)
        ('consistent', 'counter', 'ambiguous', 'ambiguous')
    """
    gap = exact(gap)
    if gap == 0 or abs(gap) < exact(min_gap):
        return "ambiguous"
    return "consistent" if gap > 0 else "counter"
