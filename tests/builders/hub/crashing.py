"""A tiny dataset of four scenes, importable in worker processes, with scenes that go wrong on demand."""

import os
import signal
from functools import cached_property

from builders.errors import SceneError
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel


class CrashingTunnel(SpatialTunnel):
    """``crash`` and ``bad`` are scene ids: building the one ends the process, the other raises ``SceneError``."""

    crash = bad = ""

    @cached_property
    def refs(self):
        return self._refs_of("size_variation")

    def build_scene(self, ref):
        if ref.scene_id == self.crash:
            os.kill(os.getpid(), signal.SIGSEGV)
        if ref.scene_id == self.bad:
            raise SceneError("is a bad scene")
        return super().build_scene(ref)


def crashing_tunnel(crash="", bad=""):
    builder = CrashingTunnel(renderer="raycast", size_scenes=4, size_steps=2, tunnel=TunnelSettings(resolution=32))
    builder.name = "spatial_tunnel"  # datasets calls it after this module
    builder.crash, builder.bad = crash, bad
    return builder
