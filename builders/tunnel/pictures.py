"""The pictures of a tunnel scene, one after the other, each kept on disk as soon as it is made."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from multiprocessing import parent_process
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image
from tqdm import tqdm

from builders.hub.files import replacing
from builders.tunnel.compose import encode
from builders.tunnel.config import VERSION, TunnelConfig
from builders.tunnel.layout import TunnelScene
from builders.tunnel.plans import Shot


class Renderer(Protocol):
    """``TunnelRenderer`` or ``RaycastRenderer``."""

    def render(self, scene: TunnelScene, cell: tuple[int, int]) -> bytes:
        """PNG."""
        ...


def make_renderer(made: TunnelConfig, composing: bool, cache: Path | None) -> Renderer:
    """The renderer that the configuration names.

    Args:
        composing: put pictures together from renders of single objects.
        cache: keeps these renders, to be taken up after an interruption.
    """
    if made.renderer == "raycast":
        from builders.tunnel.raycast import RaycastRenderer

        return RaycastRenderer(made.tunnel)
    from builders.tunnel.render import TunnelRenderer

    return TunnelRenderer(made.tunnel, made.look, composing=composing, cache=cache)


def pays_to_compose(shots: Sequence[Shot]) -> bool:
    """Whether renders of single objects are fewer than the pictures put together from them."""
    alone = {(shot.scene, "far", shot.cell[0]) for shot in shots} | {(shot.scene, "near", shot.cell[1])
                                                                     for shot in shots}
    return len(alone) + len({shot.scene for shot in shots}) < len(shots)


def render_specs(shots: Sequence[Shot], made: TunnelConfig) -> list[dict[str, Any]]:
    """Everything that each picture of a scene depends on; the look plays a part with Cycles alone."""
    shared: dict[str, Any] = {"version": VERSION, "renderer": made.renderer, "tunnel": asdict(made.tunnel)}
    if made.renderer == "cycles":
        shared |= {"look": asdict(made.look), "composing": pays_to_compose(shots)}
    return [shared | {"scene": asdict(shot.scene), "cell": shot.cell, "roll": shot.roll} for shot in shots]


def spec_hash(spec: Any) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def pictures(shots: list[Shot], made: TunnelConfig, label: str, folder: Path | None) -> list[bytes]:
    """PNG of each shot. Those that ``folder`` holds of an interrupted run are taken from there.

    A bar shows images and the time left, on a terminal and in the main process only.
    """
    renderer = make_renderer(made, pays_to_compose(shots), folder)
    made_here = []
    hidden = True if parent_process() else None
    specs = render_specs(shots, made)
    for shot, spec in zip(tqdm(shots, desc=label, unit="image", leave=False, disable=hidden), specs, strict=True):
        path = folder / f"{spec_hash(spec)[:32]}.png" if folder else None
        if path and path.exists():
            made_here.append(path.read_bytes())
            continue
        data = renderer.render(shot.scene, shot.cell)
        data = turned(data) if shot.roll else data
        if path:
            with replacing(path) as temporary:
                temporary.write_bytes(data)
        made_here.append(data)
    return made_here


def turned(png: bytes) -> bytes:
    """The picture of a camera turned clockwise by 90 degrees. Exact: the image is square, and the camera looks along
    the corridor's axis."""
    with Image.open(io.BytesIO(png)) as image:
        return encode(np.ascontiguousarray(np.rot90(np.asarray(image.convert("RGB")))))
