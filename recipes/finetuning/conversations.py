"""The forms that general datasets have their conversations in, read into messages for a chat template. No I/O.

* ``conversations``: ``[{"from": "human", "value": "<image>\\nWhat is it?"}, {"from": "gpt", "value": "A bed."}]``
  (ShareGPT, LLaVA, EMOVA, LLaVA-OneVision)
* ``messages``: ``[{"role": "user", "content": ...}, {"role": "assistant", "content": ...}]``, where content is a text
  or a list of parts
* ``texts``: ``[{"user": ..., "assistant": ...}]`` (the Cauldron, FineVision)

Pictures are in ``image`` or ``images``. A mark ``<image>`` says where each stands; without marks they come first.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from recipes.finetuning.samples import Message

COLUMNS = ("conversations", "messages", "texts")
PICTURE_COLUMNS = ("images", "image")

_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant",
          "chatgpt": "assistant", "bot": "assistant", "system": "system"}
_MARK = re.compile(r"\s*<image>\s*")
_OTHER_MARK = re.compile(r"<(video|audio|speech)>")


class Unreadable(Exception):
    """A row is no conversation that can be trained on; the message says why, in words that many rows share."""


def read_conversation(turns: Any, pictures: int) -> list[Message]:
    """The messages of a row: perhaps ``system``, then ``user`` and ``assistant`` in turn.

    Args:
        turns: what the row's column holds.
        pictures: how many the row has.

    Raises:
        Unreadable: and why.

    Example:
        >>> for message in read_conversation([{"from": "human", "value": "<image>\\nWhat?"},
        ...                                   {"from": "gpt", "value": "A bed."}], 1):
        ...     print(message["role"], message["content"])
        user [{'type': 'image'}, {'type': 'text', 'text': 'What?'}]
        assistant [{'type': 'text', 'text': 'A bed.'}]
    """
    messages: list[Message] = [{"role": role, "content": list(_parts(content))} for role, content in _said(turns)]
    _check_order([message["role"] for message in messages])
    for message in messages:
        if message["role"] == "assistant" and not all(
                part["type"] == "text" and part["text"].strip() for part in message["content"] or [{"type": ""}]):
            raise Unreadable("an answer is empty, or holds a picture")
    marks = sum(part["type"] == "image" for message in messages for part in message["content"])
    if marks == 0:
        first = next(message for message in messages if message["role"] == "user")
        first["content"] = [*({"type": "image"} for _ in range(pictures)), *first["content"]]
    elif marks != pictures:
        raise Unreadable("the marks <image> are not as many as the pictures")
    return messages


def _said(turns: Any) -> Iterator[tuple[str, Any]]:
    """(role, content) of each turn."""
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, Mapping) for turn in turns):
        raise Unreadable("no list of turns")
    for turn in turns:
        if "assistant" in turn:
            yield "user", turn.get("user")
            yield "assistant", turn["assistant"]
            continue
        who = turn.get("from") or turn.get("role")
        if who not in _ROLES:
            raise Unreadable(f"a turn of {str(who)[:20]!r}")
        yield _ROLES[who], turn["value"] if turn.get("value") is not None else turn.get("content")


def _parts(content: Any) -> Iterator[dict[str, str]]:
    if isinstance(content, list):
        for part in content:
            kind = part.get("type") if isinstance(part, Mapping) else None
            if kind in ("image", "image_url"):
                yield {"type": "image"}
            elif kind == "text" and isinstance(part.get("text"), str):
                yield from _parts(part["text"])
            else:
                raise Unreadable(f"a part of type {str(kind)[:20]!r}")
        return
    if not isinstance(content, str):
        raise Unreadable("a turn without text")
    if mark := _OTHER_MARK.search(content):
        raise Unreadable(f"a turn with {mark[0]}")
    for number, text in enumerate(_MARK.split(content)):
        if number:
            yield {"type": "image"}
        if text:
            yield {"type": "text", "text": text}


def _check_order(roles: list[str]) -> None:
    asked = roles[1:] if roles[0] == "system" else roles
    if not asked or asked != ["user", "assistant"] * (len(asked) // 2):
        raise Unreadable("questions and answers do not take turns")
