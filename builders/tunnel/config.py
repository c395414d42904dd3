"""What SpatialTunnel is made from: every parameter, with the published value where there is one."""

from dataclasses import dataclass, field

import datasets

from builders.errors import InputError
from builders.tunnel.layout import ANGLES, TunnelSettings
from builders.tunnel.look import TunnelLook

VERSION = "0.1.0"
"""Of the dataset: bump it when rows or pictures change. Feeds configs, manifest, Hub tag and random numbers."""

CONFIG_NAMES = ("phase_variation", "size_variation", "contrastive_probing", "horizontal_control", "roll_control")
"""The three published configs, then our controls."""

RENDERERS = ("cycles", "raycast")


@dataclass
class TunnelConfig(datasets.BuilderConfig):
    """All of it goes into the manifest. "Open": the paper does not print the value."""

    only: str = ""
    """Make this config alone; empty: all."""
    scenes: int = 0
    """At most this many scenes of each config; 0: all."""
    seed: int = 0
    renderer: str = "cycles"
    """``cycles``, or ``raycast`` (fast, plain). Rows differ in their pictures alone."""
    phase_scenes: int = 12
    """Published: 12 pairs of objects."""
    cell_step: int = 1
    """Take every n-th of the 16 angles; 1, 2 or 4. Published: all."""
    size_scenes: int = 25
    """With 11 sizes and 4 questions, the published 1,100 rows."""
    size_sum: float = 0.4
    """Metres, of both sizes together (appendix C.1)."""
    size_from: float = 0.1
    """Metres, the smallest size of the farther object (appendix C.1)."""
    size_to: float = 0.3
    """Metres, its largest (appendix C.1)."""
    size_steps: int = 11
    """Sizes from the smallest to the largest (appendix C.1)."""
    size_min_gap: float = 0.05
    """Share of the image height by which one object stands higher, at all sizes (open)."""
    probing_per_category: int = 200
    """Questions of each of the six categories (published); a multiple of 4."""
    probing_min_gap: float = 0.05
    """Share of the image by which the objects stand apart, both across and up (open)."""
    min_visible: float = 0.5
    """Share of the farther object that the nearer one leaves visible, in size_variation and contrastive_probing
    (open). phase_variation has all cells."""
    horizontal_scenes: int = 25
    """Of four cells each (our control)."""
    roll_cell_step: int = 2
    """Like ``cell_step``, for our rolled copies of phase_variation."""
    tunnel: TunnelSettings = field(default_factory=TunnelSettings)
    look: TunnelLook = field(default_factory=TunnelLook)

    def check(self) -> None:
        """Raise ``InputError`` for a value out of its range. (Not ``__post_init__``: datasets sets fields later.)"""
        if self.renderer not in RENDERERS:
            raise InputError(f"renderer: expected one of {', '.join(RENDERERS)}, got {self.renderer!r}")
        if self.only and self.only not in CONFIG_NAMES:
            raise InputError(f"no config {self.only!r}; choose one of: {', '.join(CONFIG_NAMES)}")
        for name in ("phase_scenes", "size_scenes", "horizontal_scenes", "probing_per_category"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: expected at least 1")
        if self.probing_per_category % 4:
            raise InputError(f"probing_per_category={self.probing_per_category}: expected a multiple of 4, so that the "
                             "other two axes are balanced within each category")
        for name in ("cell_step", "roll_cell_step"):
            if getattr(self, name) not in (1, 2, 4):
                raise InputError(f"{name}={getattr(self, name)}: expected 1, 2 or 4, which divide {ANGLES} angles")
        if self.size_steps < 2 or not 0 < self.size_from < self.size_to < self.size_sum:
            raise InputError("expected size_steps of at least 2, and 0 < size_from < size_to < size_sum")
        largest = max(self.size_to, self.size_sum - self.size_from)
        if largest + self.tunnel.margin >= self.tunnel.width / 2:
            raise InputError(f"size_from, size_to: an object of {largest} m does not fit into half of "
                             f"{self.tunnel.width} m")
        if self.tunnel.depth_near + self.size_sum * 3**0.5 > self.tunnel.depth_far:
            raise InputError("size_sum: the objects could touch")
        if not (0 <= self.size_min_gap < 0.5 and 0 <= self.probing_min_gap < 0.5 and 0 <= self.min_visible <= 1):
            raise InputError("expected size_min_gap and probing_min_gap from 0 to 0.5, min_visible from 0 to 1")
        if self.look.samples < 1 or self.look.bounces < 0:
            raise InputError("expected samples of at least 1 and bounces of at least 0")
