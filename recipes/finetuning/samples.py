"""One training sample, and the dataset that reads those of a plan, each when it is its turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Protocol

from PIL import Image

from builders.errors import InputError
from builders.spar.markers import draw_markers
from recipes.finetuning.plan import Plan, Strata

Message = dict[str, Any]
"""``role`` (system, user, assistant) and ``content``, which has parts ``{"type": "text", "text": ...}`` and ``{"type":
"image"}``, as chat templates take them."""

FILLING = -1
"""Position of what only fills up the last step."""
_BLANK = (64, 64)
_NARROWEST = 200
"""Times that a picture may be longer than wide, or wider than long: processors of the Qwen family refuse others."""


@dataclass(frozen=True)
class Sample:
    """A conversation with its pictures."""

    uid: str
    task: str
    messages: list[Message]
    views: list[Any]
    """Encoded bytes, paths or pictures; None where there is none."""
    objects: Sequence[Mapping[str, Any]] = ()
    """Whose markers are to be drawn."""
    source: str = ""
    problem: str = ""
    """Why nothing is to be learned from it; empty: something is."""
    position: int = FILLING


class Rows(Protocol):
    """The rows of one source."""

    provenance: dict[str, Any]
    """What identifies them (JSON)."""

    @property
    def strata(self) -> Strata | None:
        """Those to draw from; None: they come in their own order."""
        ...

    def sample(self, row: int) -> Sample: ...


class PlannedSamples:
    """What a trainer takes as its dataset: position -> sample with decoded, marked pictures.

    Positions behind the end of the plan, which fill up the last step, repeat its last sample with nothing to learn.
    """

    def __init__(self, plan: Plan, rows: Mapping[str, Rows], longest_side: int = 0, multiple: int = 1) -> None:
        """
        Args:
            longest_side: larger pictures are made smaller, pixels; 0: none.
            multiple: of which the length is to be one.
        """
        self._plan = plan
        self._rows = rows
        self._longest_side = longest_side
        self._length = -(-len(plan) // multiple) * multiple

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, position: int) -> Sample:
        place = min(position, len(self._plan) - 1)
        name = self._plan.sources[self._plan.source[place]]
        sample = replace(self._rows[name].sample(int(self._plan.row[place])), source=name, position=position)
        sample = _with_pictures(sample, self._longest_side)
        return sample if position == place else replace(sample, position=FILLING, problem="fills the last step")


def _with_pictures(sample: Sample, longest_side: int) -> Sample:
    if None in sample.views:
        raise InputError(f"{sample.source}: {sample.uid}: the dataset refers to its pictures but does not hold them; "
                         "give your scans (--scans NAME=ROOT), or build it with --pixels embedded")
    problem = ""
    try:
        pictures = [_decoded(view, longest_side) for view in sample.views]
        if any(max(picture.size) >= _NARROWEST * min(picture.size) for picture in pictures):
            problem = "a picture is too narrow"
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        problem = f"a picture cannot be read ({type(error).__name__})"
    if problem:
        return replace(sample, views=[Image.new("RGB", _BLANK)] * len(sample.views), problem=problem)
    return replace(sample, views=draw_markers(pictures, sample.objects) if sample.objects else pictures)


def _decoded(view: Any, longest_side: int) -> Image.Image:
    picture = view if isinstance(view, Image.Image) else Image.open(BytesIO(view) if isinstance(view, bytes) else view)
    if longest_side:
        picture.draft("RGB", (longest_side, longest_side))  # a JPEG is decoded at an eighth of its size and so on
    picture = picture.convert("RGB")
    if longest_side:
        picture.thumbnail((longest_side, longest_side), Image.Resampling.BICUBIC)
    return picture
