"""``--set KEY=VALUE``: named fields of a configuration, one level of nested limits included."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from builders.errors import InputError


def settable(defaults: Any, reserved: Iterable[str] = ()) -> dict[str, Any]:
    """Field name -> default of a dataclass and of its ``limits``, less the reserved ones (those with own options)."""
    names = {f.name: getattr(defaults, f.name) for f in fields(defaults) if f.name not in set(reserved)}
    limits = names.pop("limits", None)
    if limits is not None:
        names |= {f.name: getattr(limits, f.name) for f in fields(limits)}
    return {name: value for name, value in names.items() if isinstance(value, bool | int | float | str)}


def apply_settings(defaults: Any, pairs: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, Any]:
    """Keyword arguments for the configuration class, from ``KEY=VALUE`` strings.

    Raises:
        InputError: no ``=``, an unknown key (the message lists the valid ones), or a value of the wrong type.
    """
    valid = settable(defaults, reserved)
    changed: dict[str, Any] = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or key not in valid:
            raise InputError(f"--set {pair}: expected KEY=VALUE with one of these keys: {', '.join(sorted(valid))}")
        changed[key] = _converted(key, text, valid[key])
    own = {f.name for f in fields(defaults)}
    arguments = {key: value for key, value in changed.items() if key in own}
    of_limits = {key: value for key, value in changed.items() if key not in own}
    if of_limits:
        arguments["limits"] = replace(defaults.limits, **of_limits)
    return arguments


def _converted(key: str, text: str, default: Any) -> Any:
    kind = type(default)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (KeyError, ValueError):
        raise InputError(f"--set {key}={text}: expected a value like {default!r}") from None
