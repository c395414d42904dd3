"""Pictures of a near and a far square with questions, to train and test on: as they come, or only where height predicts
depth.

A near square is larger than a far one on average, and not always: a cue that is true and weak, as in photographs. Where
the far square is always the higher one, height is a cue that is strong, and true nowhere else.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from builders.randomness import generator
from builders.tunnel.layout import QUESTIONS
from recipes.probe.wording import OPPOSITE, STYLES

SIDE = 32
"""Pixels of a picture."""
STYLE = "terse"
"""Wording of the questions that a category answers."""
NAMES = ("red square", "blue square")
_COLORS = ((230, 50, 40), (50, 80, 240))
_GROUND = 118
_SIDES = {"near": (5, 8), "far": (3, 6)}
"""Smallest and largest side of a square in pixels: 13 in 16 near ones are larger than the far one beside them."""
_LEAST_GAP = 3
"""Pixels between the centres, both across and up."""


@dataclass(frozen=True)
class Lessons:
    """Pictures, and as many questions about each; those in one place have one number of words."""

    pixels: NDArray[np.uint8]
    """(N, side, side, 3)."""
    far: list[str]
    """Name of the farther square."""
    near: list[str]
    far_is_higher: NDArray[np.bool_]
    categories: list[dict[str, str]]
    """Axis -> where the farther square is, relative to the nearer one."""

    def yes_no(self, number: int) -> list[tuple[str, str]]:
        """The four questions of SpatialTunnel about a picture, with their answers."""
        named = {"far": self.far[number], "near": self.near[number]}
        return [(wording.format(**named), answer) for _, wording, answer in QUESTIONS]

    def choices(self, number: int) -> list[tuple[str, str]]:
        """The six questions that a category answers: of each axis about the farther square, and about the nearer."""
        far, near = self.far[number], self.near[number]
        found = []
        for axis, category in self.categories[number].items():
            wording = STYLES[STYLE][axis]
            found += [(wording.format(a=far, b=near), category), (wording.format(a=near, b=far), OPPOSITE[category])]
        return found

    def which(self, number: int) -> list[tuple[str, str]]:
        """A question for each axis whose answer is a colour: learned first, because no order of names matters."""
        far, near = (held[number].split()[0] for held in (self.far, self.near))
        said = self.categories[number]
        return [("Which square is more to the left?", far if said["horizontal"] == "left" else near),
                ("Which square is higher?", far if said["vertical"] == "above" else near),
                ("Which square is farther away?", far)]

    def png(self, number: int) -> bytes:
        with io.BytesIO() as file:
            Image.fromarray(self.pixels[number]).save(file, "PNG")
            return file.getvalue()


def make_lessons(count: int, biased: bool, seed: int) -> Lessons:
    """Draw squares at random.

    Args:
        biased: keep the pictures in which the farther square is the higher one.
    """
    rng = generator("lessons", seed, str(biased))
    pixels = np.full((count, SIDE, SIDE, 3), _GROUND, np.uint8)
    names: list[tuple[str, str]] = []
    higher, categories = [], []
    while len(names) < count:
        sides = {which: int(rng.integers(low, high + 1)) for which, (low, high) in _SIDES.items()}
        (far_x, far_y), (near_x, near_y) = rng.integers(4, SIDE - 4, (2, 2)).tolist()
        is_higher = far_y < near_y
        if min(abs(far_x - near_x), abs(far_y - near_y)) < _LEAST_GAP or (biased and not is_higher):
            continue
        far, near = rng.permutation(2).tolist()
        for look, x, y, side in ((far, far_x, far_y, sides["far"]), (near, near_x, near_y, sides["near"])):
            top, left = y - side // 2, x - side // 2
            pixels[len(names), top : top + side, left : left + side] = _COLORS[look]
        names.append((NAMES[far], NAMES[near]))
        higher.append(is_higher)
        categories.append({"horizontal": "left" if far_x < near_x else "right",
                           "vertical": "above" if is_higher else "below", "distance": "far"})
    return Lessons(pixels, [far for far, _ in names], [near for _, near in names], np.array(higher), categories)
