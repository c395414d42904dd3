"""The wording files, ``templates/*.yaml``: groups of sentences by stable keys, one file a task.

A task's file holds what the task asks in a few words (``asks``), ``questions``, optionally ``notes``, ``centre`` and
the closing request of a format (``fill``, ``select``, ``sentence``, ``judge``), and ``answers`` for sentences. Any
group may have a form of its own for one format, as ``judge_questions``; what a file lacks comes from the file it names
under ``like``, or from ``common.yaml``.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from builders.yaml_files import read_yaml


@cache
def group_of(name: str, group: str, format_type: str) -> Mapping[str, str]:
    """A task's sentences for one place in a question of this format; empty where the place stays empty."""
    wording, common = templates(name), templates("common")
    for source, key in ((wording, f"{format_type}_{group}"), (wording, group)):
        if key in source:
            return source[key] or {}
    if "like" in wording:
        return group_of(wording["like"]["wording"], group, format_type)
    return common.get(group, {})


def asks_briefly(name: str) -> str:
    """What a task asks, in a few words: for tables and dataset cards."""
    return templates(name)["asks"]["briefly"]


@cache
def templates(name: str) -> Mapping[str, Mapping[str, str]]:
    """One wording file."""
    return read_yaml(files("builders.spar").joinpath(f"templates/{name}.yaml"))
