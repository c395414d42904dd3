"""Scene sources: where 3D scenes come from. A new source is one file and one entry in ``SOURCES``."""

from collections.abc import Callable

from builders.errors import InputError
from builders.scenes.scene import SceneSource


def _procedural(root: str | None, seed: int, renderer: str) -> SceneSource:
    from builders.scenes.procedural.source import ProceduralSource

    if root is not None:
        raise InputError(f"procedural: rooms are generated, there is no root to give (got {root!r})")
    return ProceduralSource(seed=seed, renderer=renderer)


def _scannet(root: str | None, seed: int, renderer: str) -> SceneSource:
    from builders.scenes.scannet import ScanNetSource

    return ScanNetSource(_needed(root, "scannet"))


def _scannetpp(root: str | None, seed: int, renderer: str) -> SceneSource:
    from builders.scenes.scannetpp import ScanNetPPSource

    return ScanNetPPSource(_needed(root, "scannetpp"))


def _scannetpp_dslr(root: str | None, seed: int, renderer: str) -> SceneSource:
    from builders.scenes.scannetpp import ScanNetPPSource

    return ScanNetPPSource(_needed(root, "scannetpp_dslr"), dslr=True)


def _structured3d(root: str | None, seed: int, renderer: str) -> SceneSource:
    from builders.scenes.structured3d import Structured3DSource

    return Structured3DSource(_needed(root, "structured3d"))


def _matterport3d(root: str | None, seed: int, renderer: str) -> SceneSource:
    from builders.scenes.matterport3d import Matterport3DSource

    return Matterport3DSource(_needed(root, "matterport3d"))


def _arkitscenes(root: str | None, seed: int, renderer: str) -> SceneSource:
    from builders.scenes.arkitscenes import ARKitScenesSource

    return ARKitScenesSource(_needed(root, "arkitscenes"))


def _json(root: str | None, seed: int, renderer: str) -> SceneSource:
    from builders.scenes.boxes_json import BoxesJsonSource

    return BoxesJsonSource(_needed(root, "json"))


SOURCES: dict[str, Callable[[str | None, int, str], SceneSource]] = {
    "procedural": _procedural,
    "scannet": _scannet,
    "scannetpp": _scannetpp,
    "scannetpp_dslr": _scannetpp_dslr,
    "structured3d": _structured3d,
    "matterport3d": _matterport3d,
    "arkitscenes": _arkitscenes,
    "json": _json,
}
"""Name -> maker (root, seed, renderer); imports happen when a source is opened."""

NOT_TO_BE_PASSED_ON = frozenset(
    {"scannet", "scannetpp", "structured3d", "matterport3d", "rxr", "EmbSpatial-Bench", "CV-Bench"})
"""Scans whose terms forbid to pass their pixels on; ``rxr`` is what the released SPAR-7M calls walks through houses of
Matterport3D. A source's ``redistributable`` says the same. And benchmarks with such photographs, whatever licence
their questions have: EmbSpatial-Bench has Matterport3D and ScanNet; CV-Bench has ADE20K and, by Omni3D, nuScenes and
SUN RGB-D, which are for research alone."""


def may_be_passed_on(source: str) -> bool:
    """Whether a dataset with pixels of this source may be published."""
    return source not in NOT_TO_BE_PASSED_ON


def is_denoised(source: SceneSource) -> bool:
    """Whether a denoiser makes the source's pictures: made again, they differ by 2 levels at most. Others repeat to the
    byte."""
    return getattr(source, "renderer", "") == "cycles"


def open_source(spec: str, seed: int = 0, renderer: str = "cycles") -> SceneSource:
    """Open ``NAME`` or ``NAME=ROOT``, as ``--source`` takes it.

    Args:
        seed, renderer: of generated scenes; sources of real scans ignore them.

    Raises:
        InputError: unknown name, missing root, or a root that is not of this source's layout.
    """
    name, separator, root = spec.partition("=")
    if name not in SOURCES:
        raise InputError(f"unknown source {name!r}; choose one of: {', '.join(SOURCES)}")
    return SOURCES[name](root if separator else None, seed, renderer)


def _needed(root: str | None, name: str) -> str:
    if not root:
        raise InputError(f"{name}: say where the scans are: --source {name}=/path/to/scans")
    return root
