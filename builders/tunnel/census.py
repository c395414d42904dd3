"""How the rows of SpatialTunnel are balanced, counted from their columns alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]


def cells_by_tag(rows: Iterable[Row], tag: str = "heuristic") -> dict[str, int]:
    """Different cells of each tag, of all scenes together.

    Example:
        >>> cells_by_tag([{"scene_id": "phase_00", "cell": [4, 12], "heuristic": "consistent"}] * 4)
        {'consistent': 1}
    """
    cells = {(row["scene_id"], *row["cell"], row[tag]) for row in rows}
    return dict(sorted(Counter(name for *_, name in cells).items()))


def other_axes(rows: Iterable[Row]) -> dict[str, Counter[tuple[str, str, str]]]:
    """Category -> how often object a lies (left or right, above or below, far or close) of b, from the boxes."""
    found: dict[str, Counter[tuple[str, str, str]]] = {}
    for row in rows:
        far, near = row["bbox_far"], row["bbox_near"]
        about_far = row["question"].find(row["object_far"]) < row["question"].find(row["object_near"])
        if row["template"] == "distance":  # "Compared to b, is a ..."
            about_far = not about_far
        a, b = (far, near) if about_far else (near, far)
        found.setdefault(row["category"], Counter())[
            "left" if a[0] + a[2] < b[0] + b[2] else "right",
            "above" if a[1] + a[3] < b[1] + b[3] else "below",
            "far" if about_far else "close",
        ] += 1
    return found


def assert_balanced(rows: Iterable[Row]) -> None:
    """Raise ``ValueError`` unless the other two axes are balanced within each category, and all categories are as
    large: nothing in the data ties one axis to another."""
    for category, counts in (found := other_axes(rows)).items():
        if len(counts) != 4 or len(set(counts.values())) != 1 or any(category not in signs for signs in counts):
            raise ValueError(f"contrastive_probing: {category} is not balanced: {dict(counts)}")
    if len(found) != 6 or len({counts.total() for counts in found.values()}) != 1:
        raise ValueError(f"contrastive_probing: {({name: c.total() for name, c in found.items()})}")
