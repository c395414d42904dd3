"""Which pictures each config of SpatialTunnel has: scenes, and their cells, sizes and camera rolls.

Objects and light of a scene depend on seed, version and scene id alone. The scenes of roll_control are those of
phase_variation, so that rows can be compared pair by pair.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from builders.errors import InputError
from builders.randomness import generator
from builders.tunnel.config import VERSION, TunnelConfig
from builders.tunnel.layout import (
    ANGLES,
    Placement,
    TunnelScene,
    TunnelSettings,
    draw_scene,
    object_mask,
    place,
)

Cell = tuple[int, int]

_PREFIX = {"phase_variation": "phase", "roll_control": "phase", "size_variation": "size",
           "contrastive_probing": "probing", "horizontal_control": "horizontal"}
_TRIES = 1000
_COARSE = 256
"""Pixels: enough to tell how much of an object is hidden."""

LEVEL_CELLS: tuple[Cell, ...] = ((0, 0), (0, 8), (8, 0), (8, 8))
"""Both objects at the height of the camera: the only cells where they stand at the same height in the image."""


@dataclass(frozen=True)
class Shot:
    """One picture."""

    scene: TunnelScene
    cell: Cell
    roll: int = 0
    """Degrees by which the camera is turned clockwise about its axis: 0 or 90."""


def scene_count(config: str, made: TunnelConfig) -> int:
    """Scenes of a config."""
    published = {
        "phase_variation": made.phase_scenes,
        "roll_control": made.phase_scenes,
        "size_variation": made.size_scenes,
        "contrastive_probing": made.probing_per_category // 4,
        "horizontal_control": made.horizontal_scenes,
    }[config]
    return min(made.scenes, published) if made.scenes else published


def scene_ids(config: str, made: TunnelConfig) -> list[str]:
    """Their ids, in order."""
    return [f"{_PREFIX[config]}_{n:02d}" for n in range(scene_count(config, made))]


def shots_of(config: str, scene_id: str, made: TunnelConfig) -> list[Shot]:
    """The pictures of one scene of a config, in published order: by the farther object's angle, then the nearer's;
    in size_variation by the farther object's size."""
    prefix, _, number = scene_id.rpartition("_")
    n = int(number)
    scene = _scenes(prefix, n + 1, made.seed, made.tunnel)[n]
    if config == "phase_variation":
        return [Shot(scene, cell) for cell in _grid(made.cell_step)]
    if config == "roll_control":
        return [Shot(scene, cell, 90) for cell in _grid(max(made.cell_step, made.roll_cell_step))]
    if config == "horizontal_control":
        return [Shot(scene, cell) for cell in LEVEL_CELLS]
    if config == "contrastive_probing":
        return [Shot(scene, cell) for cell in sorted(_mirrored(_probing_cell(scene, made)))]
    cell = _size_cell(n, made)
    return [Shot(sized, cell) for sized in _sized(scene, made)]


@lru_cache(maxsize=16)
def _scenes(prefix: str, count: int, seed: int, settings: TunnelSettings) -> tuple[TunnelScene, ...]:
    """The first scenes with a prefix. No two of them show the same two objects, while there are pairs left."""
    scenes: list[TunnelScene] = []
    pairs: set[frozenset[str]] = set()
    for n in range(count):
        for attempt in range(_TRIES):
            scene = draw_scene(f"{prefix}_{n:02d}", settings, ("spatial_tunnel", VERSION, seed, attempt))
            pair = frozenset((scene.far.name, scene.near.name))
            if pair not in pairs:
                break
        pairs.add(pair)
        scenes.append(scene)
    return tuple(scenes)


def _grid(step: int) -> Iterator[Cell]:
    return ((far, near) for far in range(0, ANGLES, step) for near in range(0, ANGLES, step))


def upside_down(cell: Cell) -> Cell:
    """The cell mirrored top to bottom: what was consistent is counter, and the other way round."""
    return -cell[0] % ANGLES, -cell[1] % ANGLES


def left_to_right(cell: Cell) -> Cell:
    """The cell mirrored left to right."""
    return (ANGLES // 2 - cell[0]) % ANGLES, (ANGLES // 2 - cell[1]) % ANGLES


def _mirrored(cell: Cell) -> set[Cell]:
    """A cell, and what it becomes upside down, left to right, and both."""
    flat = left_to_right(cell)
    return {cell, upside_down(cell), flat, upside_down(flat)}


def _sized(scene: TunnelScene, made: TunnelConfig) -> list[TunnelScene]:
    """A scene at every size: s1 of the farther object, and what is left to the sum for the nearer."""
    step = (made.size_to - made.size_from) / (made.size_steps - 1)
    sizes = [round(made.size_from + n * step, 9) for n in range(made.size_steps)]
    return [replace(scene, far=replace(scene.far, size=size),
                    near=replace(scene.near, size=round(made.size_sum - size, 9))) for size in sizes]


def _size_cell(n: int, made: TunnelConfig) -> Cell:
    """The one cell of the n-th scene of size_variation, the same for all its sizes.

    Scenes come in pairs that share a drawn cell: the even one has it as a consistent cell, the odd one upside down,
    as a counter cell. Drawn among the cells where, at all sizes and in both scenes, the tag stays the same, the heights
    differ by ``size_min_gap``, and ``min_visible`` of the farther object is not hidden.
    """
    pair = n // 2
    scenes = _scenes("size", 2 * pair + 2, made.seed, made.tunnel)[2 * pair :]
    sized = [one for scene in scenes for one in _sized(scene, made)]
    for cell in _drawn_cells("size cell", pair, made):
        placed = [place(one, cell, made.tunnel) for one in sized]
        if placed[0].heuristic != "consistent":
            cell = upside_down(cell)
            placed = [place(one, cell, made.tunnel) for one in sized]
        if all(p.heuristic == "consistent" and p.vertical_gap >= made.size_min_gap for p in placed) and all(
                _visible(one, cell, made.tunnel) >= made.min_visible for one in sized):
            return cell if n % 2 == 0 else upside_down(cell)
    raise InputError("size_min_gap and min_visible leave no cell for size_variation; lower them")


def _probing_cell(scene: TunnelScene, made: TunnelConfig) -> Cell:
    """A cell where the objects stand clearly apart, across and up."""
    for cell in _drawn_cells("probing cell", scene.scene_id, made):
        across, up = _apart(place(scene, cell, made.tunnel), made.tunnel)
        if min(across, up) >= made.probing_min_gap and min(across, up) > 0 and (
                _visible(scene, cell, made.tunnel) >= made.min_visible):
            return cell
    raise InputError("probing_min_gap and min_visible leave no cell for contrastive_probing; lower them")


def _drawn_cells(what: str, which: str | int, made: TunnelConfig) -> list[Cell]:
    """All cells, in a drawn order."""
    order = generator("spatial_tunnel", VERSION, made.seed, what, which).permutation(ANGLES**2)
    return [(int(k) // ANGLES, int(k) % ANGLES) for k in order]


def _apart(placed: Placement, settings: TunnelSettings) -> tuple[float, float]:
    """Distance of the box centres across and up, share of the image."""
    (fx1, fy1, fx2, fy2), (nx1, ny1, nx2, ny2) = placed.far_box, placed.near_box
    return (abs(fx1 + fx2 - nx1 - nx2) / 2 / settings.resolution, abs(fy1 + fy2 - ny1 - ny2) / 2 / settings.resolution)


def _visible(scene: TunnelScene, cell: Cell, settings: TunnelSettings) -> float:
    """Share of the farther object that is not hidden, judged on a coarse image whatever the resolution."""
    coarse = replace(settings, resolution=_COARSE)
    placed = place(scene, cell, coarse)
    (fx1, fy1, fx2, fy2), (nx1, ny1, nx2, ny2) = placed.far_box, placed.near_box
    if fx2 < nx1 or nx2 < fx1 or fy2 < ny1 or ny2 < fy1:
        return 1.0
    far, near = (object_mask(item, center, coarse) for item, center in (
        (scene.far, placed.far_center), (scene.near, placed.near_center)))
    return float((far & ~near).sum() / max(1, far.sum()))
