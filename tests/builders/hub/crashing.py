"""A tiny dataset of four scenes, importable in worker processes, with scenes that go wrong on demand."""

import os
import signal
import time
from functools import cached_property

import numpy as np

from builders.errors import SceneError
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel


class CrashingTunnel(SpatialTunnel):
    """Scene ids: building ``crash`` ends the process, ``bad`` raises ``SceneError``, ``hang`` takes ten minutes, and
    ``greedy`` takes 0.2 GB of memory ten times a second, up to 4 GB."""

    crash = bad = hang = greedy = ""

    @cached_property
    def refs(self):
        return self._refs_of("size_variation")

    def build_scene(self, ref):
        if ref.scene_id == self.crash:
            os.kill(os.getpid(), signal.SIGSEGV)
        if ref.scene_id == self.bad:
            raise SceneError("is a bad scene")
        if ref.scene_id == self.hang:
            time.sleep(600)
        if ref.scene_id == self.greedy:
            held = []
            while len(held) < 20:
                held.append(np.ones(25_000_000))
                time.sleep(0.1)
            raise SceneError(f"could take {len(held)} times 0.2 GB")
        return super().build_scene(ref)


def crashing_tunnel(crash="", bad="", hang="", greedy=""):
    builder = CrashingTunnel(renderer="raycast", size_scenes=4, size_steps=2, tunnel=TunnelSettings(resolution=32))
    builder.name = "spatial_tunnel"  # datasets calls it after this module
    builder.crash, builder.bad, builder.hang, builder.greedy = crash, bad, hang, greedy
    return builder
