"""Tiny datasets to publish, and what a Hub must never show: a version that is not whole."""

import json
import re
from io import BytesIO

import datasets
from PIL import Image

from builders.hub.folder import build_folder
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel
from tests.hub_server.repos import Repo

SPLITS = ("size_variation/test", "contrastive_probing/test")


def tunnel(out, monkeypatch, version="0.1.0", size_scenes=2, **settings):
    """A folder of two configs with a picture of 32 x 32 pixels per row."""
    monkeypatch.setattr(SpatialTunnel, "VERSION", datasets.Version(version))
    monkeypatch.setattr(SpatialTunnel, "refs", property(
        lambda self: [ref for name in ("size_variation", "contrastive_probing") for ref in self._refs_of(name)]))
    options = {"renderer": "raycast", "size_scenes": size_scenes, "size_steps": 2, "probing_per_category": 4,
               "tunnel": TunnelSettings(resolution=32)}
    build_folder(SpatialTunnel(**(options | settings)), out, progress=False)
    return out


def version_shown(repo: Repo, revision: str) -> str | None:
    """The version that a reader of a branch or tag gets, None before the first; fails if it is not whole.

    Goes by the server's own store: every file that the manifest there names has its checksum, no other shard or
    picture is there, and the card says the same version.
    """
    files = repo.at(revision).files
    if "manifest.json" not in files:
        assert set(files) == {".gitattributes"}
        return None
    manifest = json.loads(files["manifest.json"].data)
    held = {path: blob.sha256 for path, blob in files.items() if path.endswith((".parquet", ".png"))}
    assert held == {path: entry["sha256"] for path, entry in {**manifest["files"], **manifest["card"]}.items()}
    versions = set(re.findall(r"^  version: (\S+)$", files["README.md"].data.decode(), re.M))
    assert versions == {manifest["version"]}
    return manifest["version"]


def lighter(data: bytes) -> bytes:
    """A PNG whose pixels are lighter by 1 of 255, as a denoiser might make it."""
    buffer = BytesIO()
    Image.open(BytesIO(data)).point(lambda value: min(255, value + 1)).save(buffer, "PNG")
    return buffer.getvalue()
