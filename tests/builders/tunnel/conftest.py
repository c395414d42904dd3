"""A small tunnel, built once: plain pictures of 64 pixels."""

from dataclasses import replace
from pathlib import Path

import pytest

from builders.hub.folder import BuildResult, build_folder
from builders.tunnel.config import TunnelConfig
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.plans import scene_ids, shots_of
from builders.tunnel.questions import Row, rows_of
from builders.tunnel.spatial_tunnel import SpatialTunnel

SMALL = replace(TunnelSettings(), resolution=64)


def small_tunnel(**changes) -> SpatialTunnel:
    """Two scenes of each config, every fourth angle."""
    settings = {"renderer": "raycast", "scenes": 2, "cell_step": 4, "tunnel": SMALL} | changes
    return SpatialTunnel(**settings)


def rows_without_pictures(config: str, **changes) -> list[Row]:
    """All rows of a config at full size, without ``index`` and ``image``."""
    made = TunnelConfig(**changes)
    return [row for scene_id in scene_ids(config, made) for shot in shots_of(config, scene_id, made)
            for row in rows_of(config, shot, made.tunnel)]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    out: Path = tmp_path_factory.mktemp("tunnel") / "small"
    return build_folder(small_tunnel(), out, progress=False)
