"""What the tests of probing share: a small SpatialTunnel with pairs, drawn plainly."""

from pathlib import Path

from builders.hub.folder import build_folder
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel


def tunnel_folder(folder: Path, rows: int) -> Path:
    """A folder with so many rows of ``contrastive_probing`` (a multiple of 24)."""
    build_folder(SpatialTunnel(renderer="raycast", only="contrastive_probing",
                               probing_per_category=rows // 6, tunnel=TunnelSettings(resolution=64)),
                 folder, progress=False)
    return folder
