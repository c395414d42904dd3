"""How a source writes its boxes: ``xywh`` or ``xyxy``, decided by where the boxes then lie.

The sources of EmbSpatial-Bench differ in this and do not say so. Read the wrong way, boxes stick out of their images:
the format is the one under which none does. A box that sticks out either way decides nothing and is not used. Nor
does one without an area under either reading decide: files hold such boxes in both formats.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from builders.errors import InputError
from builders.heuristic import exact

Box = tuple[Fraction, Fraction, Fraction, Fraction]
"""x1, y1, x2, y2 in pixels."""

FORMATS = ("xywh", "xyxy")


def read_box(numbers: Iterable[float | None] | None, box_format: str) -> Box | None:
    """Edges of a box; None for what is no box of four finite numbers.

    Example:
        >>> [int(edge) for edge in read_box([0, 396, 640, 84], "xywh")]
        [0, 396, 640, 480]
    """
    try:
        x, y, a, b = map(exact, numbers)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return (x, y, x + a, y + b) if box_format == "xywh" else (x, y, a, b)


def has_area(box: Box) -> bool:
    """Whether a box is more than a line or a point."""
    return box[0] < box[2] and box[1] < box[3]


def lies_inside(box: Box, width: int, height: int, slack: float) -> bool:
    """Whether a box has an area and lies within the image, give or take ``slack`` pixels."""
    x1, y1, x2, y2 = box
    out = exact(slack)
    return has_area(box) and -out <= x1 and x2 <= width + out and -out <= y1 and y2 <= height + out


@dataclass
class Votes:
    """How the boxes of one source lie under both readings."""

    boxes: int = 0
    xywh: int = 0
    """Inside their image when read so."""
    xyxy: int = 0
    only_xywh: int = 0
    """Inside their image when read so, outside when read the other way, and no line under either: these decide."""
    only_xyxy: int = 0
    neither: int = 0

    def add(self, numbers: Iterable[float | None] | None, width: int, height: int, slack: float) -> None:
        """Count the vote of one box."""
        boxes = [read_box(numbers, name) for name in FORMATS]
        xywh, xyxy = (box is not None and lies_inside(box, width, height, slack) for box in boxes)
        decides = not any(box and (box[0] == box[2] or box[1] == box[3]) for box in boxes)
        self.boxes += 1
        self.xywh += xywh
        self.xyxy += xyxy
        self.only_xywh += decides and xywh and not xyxy
        self.only_xyxy += decides and xyxy and not xywh
        self.neither += not (xywh or xyxy)

    @property
    def winner(self) -> str:
        """The format without a vote against it; empty where both or none have one."""
        if bool(self.only_xywh) == bool(self.only_xyxy):
            return ""
        return "xywh" if self.only_xywh else "xyxy"


def decide(votes: Mapping[str, Votes], given: Mapping[str, str]) -> dict[str, str]:
    """Source -> format: as given, else as voted.

    Raises:
        InputError: a source whose boxes fit both readings, or some the one and some the other; or a given one that has
            no boxes.
    """
    if unknown := sorted(given.keys() - votes.keys()):
        raise InputError(f"box_formats: no boxes are of {', '.join(unknown)}; sources with boxes: "
                         f"{', '.join(sorted(votes)) or 'none'}")
    decided = {source: given.get(source) or held.winner for source, held in votes.items()}
    for source in (source for source, box_format in decided.items() if not box_format):
        held = votes[source]
        raise InputError(
            f"the box format of {source or 'rows without data_source'} cannot be told: of {held.boxes} boxes, "
            f"{held.xywh} lie in their image as xywh and {held.xyxy} as xyxy, {held.only_xywh} only as xywh and "
            f"{held.only_xyxy} only as xyxy; say which it is with --set box_formats={source}=xyxy (or xywh)")
    return decided


def parse_formats(setting: str) -> dict[str, str]:
    """The formats of a setting; ``=xyxy`` is that of rows without a source.

    Example:
        >>> parse_formats("mp3d=xywh,scannet=xyxy")
        {'mp3d': 'xywh', 'scannet': 'xyxy'}

    Raises:
        InputError: it is not of this form.
    """
    pairs = [item.partition("=")[::2] for item in setting.split(",") if item]
    if any(box_format not in FORMATS for _, box_format in pairs):
        raise InputError(f"box_formats={setting}: expected SOURCE=xywh or SOURCE=xyxy, separated by commas")
    return dict(pairs)
