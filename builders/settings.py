"""``--set KEY=VALUE``: named fields of a configuration, those of the dataclasses in its fields included."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

from builders.errors import InputError


class Setting(NamedTuple):
    """Where a key's value goes."""

    inside: str
    """The field of the configuration that holds it; empty: the configuration itself."""
    name: str
    default: Any


def settable(defaults: Any, reserved: Iterable[str] = ()) -> dict[str, Any]:
    """Key -> default of a dataclass and of the dataclasses in its fields, less the reserved ones (those with own
    options). Where an inner field is called like an outer one, its key is ``<field>_<name>``."""
    return {key: setting.default for key, setting in _settings(defaults, set(reserved)).items()}


def _settings(defaults: Any, reserved: set[str]) -> dict[str, Setting]:
    own = {f.name: getattr(defaults, f.name) for f in fields(defaults)}
    found = {name: Setting("", name, value) for name, value in own.items() if name not in reserved}
    for outer, inner in own.items():
        if is_dataclass(inner) and outer not in reserved:
            for f in fields(inner):
                key = f"{outer}_{f.name}" if f.name in own else f.name
                found[key] = Setting(outer, f.name, getattr(inner, f.name))
    return {key: setting for key, setting in found.items() if _is_plain(setting.default)}


def _is_plain(value: Any) -> bool:
    """Whether a value can be written as text: one of these, or some numbers."""
    return isinstance(value, bool | int | float | str) or _is_numbers(value)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(item, float) for item in value)


def apply_settings(defaults: Any, pairs: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, Any]:
    """Keyword arguments for the configuration class, from ``KEY=VALUE`` strings.

    Raises:
        InputError: no ``=``, an unknown key (the message lists the valid ones), or a value of the wrong type.
    """
    valid = _settings(defaults, set(reserved))
    changed: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or key not in valid:
            raise InputError(f"--set {pair}: expected KEY=VALUE with one of these keys: {', '.join(sorted(valid))}")
        setting = valid[key]
        changed.setdefault(setting.inside, {})[setting.name] = _converted(key, text, setting.default)
    arguments = changed.pop("", {})
    return arguments | {name: replace(getattr(defaults, name), **inner) for name, inner in changed.items()}


def _converted(key: str, text: str, default: Any) -> Any:
    kind = type(default)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if _is_numbers(default):
            numbers = tuple(map(float, text.split(",")))
            if len(numbers) != len(default):
                raise ValueError
            return numbers
        return kind(text)
    except (KeyError, ValueError):
        shown = ",".join(map(str, default)) if _is_numbers(default) else repr(default)
        raise InputError(f"--set {key}={text}: expected a value like {shown}") from None
