"""The vertical-position shortcut, as one rule for every dataset (Why Far Looks Up, section 3.1).

In photographs the farther object is usually higher in the image. A pair that follows this is ``consistent``, a pair
that defies it is ``counter``, and a pair whose heights are too close to tell is ``ambiguous``.
"""

from collections.abc import Sequence

MIN_GAP = 0.05
"""Dead zone of photographs and SPAR images, share of the image height (the paper, table 1). The tunnel uses 0."""


def vertical_gap(near_box: Sequence[float], far_box: Sequence[float], image_height: float) -> float:
    """How much higher the farther object stands, as a share of the image height.

    Args:
        near_box, far_box: x1, y1, x2, y2 in pixels, y down, unrounded.
        image_height: of the decoded image, pixels.

    Example:
        >>> vertical_gap((0, 300, 10, 400), (0, 100, 10, 200), 500)
        0.4
    """
    return ((near_box[1] + near_box[3]) - (far_box[1] + far_box[3])) / 2 / image_height


def tag(gap: float, min_gap: float = MIN_GAP) -> str:
    """``consistent``, ``counter`` or ``ambiguous`` for a vertical gap.

    A gap of exactly ``min_gap`` counts as decided, except for a tie (gap 0), which never is.

    Example:
        >>> tag(0.2), tag(-0.2), tag(0.01), tag(0.0, min_gap=0)
        ('consistent', 'counter', 'ambiguous', 'ambiguous')
    """
    if gap == 0 or abs(gap) < min_gap:
        return "ambiguous"
    return "consistent" if gap > 0 else "counter"
