"""The split of scenes that no official list names: by a hash of the scene's name, the same on every machine."""

import hashlib

VALIDATION_SHARE = 0.2
"""Share of such scenes that are ``validation``; the others are ``train``."""


def hashed_split(name: str, validation_share: float = VALIDATION_SHARE) -> str:
    """``train`` or ``validation``, whatever other scenes there are; a larger share only adds scenes to validation.

    Args:
        name: of the scene, or of the room that several scans show: they must not be parted.

    Example:
        >>> hashed_split("room_000002"), hashed_split("room_000002", 1.0)
        ('train', 'validation')
    """
    share = int.from_bytes(hashlib.sha256(f"split|{name}".encode()).digest()[:4], "big") / 2**32
    return "validation" if share < validation_share else "train"
