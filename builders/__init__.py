"""Vantage: builders of datasets for spatial reasoning in vision-language models.

``BUILDERS`` maps dataset names to builder classes; ``attach_images`` puts pictures back into rows that only refer to
them; ``draw_markers`` draws a row's markers into its pictures. Imports are lazy, so that ``import builders`` is cheap.
"""

from importlib import import_module
from typing import Any

from builders.errors import InputError

BUILDERS = {
    "spar_bench": "builders.spar.spar_bench:SparBench",
    "spar_7m": "builders.spar.spar_7m:Spar7M",
    "spar_3d": "builders.spar.spar_3d:Spar3D",
    "spatial_tunnel": "builders.tunnel.spatial_tunnel:SpatialTunnel",
    "embspatial_tagged": "builders.tagged.embspatial_tagged:EmbSpatialTagged",
    "cv_bench_tagged": "builders.tagged.cv_bench_tagged:CVBenchTagged",
}
"""Dataset name -> ``module:class``."""

_PUBLIC = {
    "attach_images": "builders.spar.attach:attach_images",
    "draw_markers": "builders.spar.markers:draw_markers",
}


def builder_class(name: str) -> Any:
    """The builder class of a dataset; ``InputError`` for an unknown name."""
    if name not in BUILDERS:
        raise InputError(f"unknown dataset {name!r}; choose one of: {', '.join(BUILDERS)}")
    return _load(BUILDERS[name])


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return _load(_PUBLIC[name])
    raise AttributeError(f"module 'builders' has no attribute {name!r}")


def _load(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
