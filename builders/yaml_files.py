"""Reading YAML: of wording, which every command needs and which pure Python takes most of a second to parse."""

from importlib.resources.abc import Traversable
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, sixteen times as fast, where PyYAML was built with it; the values are the same."""


def read_yaml(path: Traversable) -> Any:
    """What a UTF-8 YAML file holds. Raises ``OSError``, ``yaml.YAMLError``."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
