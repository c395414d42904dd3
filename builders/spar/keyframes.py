"""Choosing frames: greedy keyframing, which drops frames that show what a kept one shows already (SPAR, appendix 7.3);
even steps."""

import numpy as np

from builders.scenes.scene import Frame


def keyframes(frames: tuple[Frame, ...], translation: float, rotation: float) -> tuple[Frame, ...]:
    """Keep a frame if it differs from EVERY kept frame by more than one of the two thresholds.

    Args:
        frames: in capture order; the first is always kept.
        translation: metres between camera centres.
        rotation: degrees between camera orientations.

    Returns:
        The kept frames in capture order. The thresholds are our default: the paper's values are not legible.
    """
    if not frames:
        return ()
    centers = np.array([f.center for f in frames])
    rotations = np.array([f.world_from_camera[:3, :3] for f in frames]).reshape(-1, 9)
    cosine_limit = np.cos(np.radians(rotation))
    kept = [0]
    for i in range(1, len(frames)):
        near = np.linalg.norm(centers[kept] - centers[i], axis=1) <= translation
        # the trace of A^T B is the dot product of the flattened matrices
        turned_little = (rotations[kept] @ rotations[i] - 1) / 2 >= cosine_limit
        if not (near & turned_little).any():
            kept.append(i)
    return tuple(frames[i] for i in kept)


def spread(frames: tuple[Frame, ...], count: int) -> tuple[Frame, ...]:
    """``count`` of the frames, from first to last at even steps."""
    return tuple(frames[i] for i in np.linspace(0, len(frames) - 1, count).round().astype(int))
