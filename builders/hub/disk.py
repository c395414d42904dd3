"""Space on the disk of a build: estimated from its first parts, checked on the way, so that it is never filled up."""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

SAMPLE = 8
"""Parts after which the size of the others is estimated."""


@dataclass
class DiskWatch:
    """Bytes of the parts so far, and what is left."""

    folder: Path
    parts: int
    """How many parts the build has in all."""
    reserve_gb: float
    """Stays free: the build stops, and can go on later, when less is left."""
    seen: int = 0
    written: int = 0

    def add(self, size: int) -> str:
        """Count a part; at the right moment, says in one line what the others will take.

        Raises:
            OSError: less than the reserve is free.
        """
        self.seen += 1
        self.written += size
        self.check()
        return self.estimate() if self.seen == min(SAMPLE, self.parts) else ""

    def check(self, needed: int = 0, what: str = "") -> None:
        """Raise ``OSError`` if less than the reserve is free, or would be after ``needed`` more bytes."""
        free = shutil.disk_usage(self.folder).free
        if free - needed < self.reserve_gb * 1e9:
            wants = f", {what} take about {_gb(needed)}" if needed else ""
            error = OSError(f"{self.folder}: {_gb(free)} free on its disk{wants}, and {self.reserve_gb:g} GB are to "
                            "stay free (--reserve-gb); make room")
            error.errno = errno.ENOSPC
            raise error

    def estimate(self) -> str:
        """What is still to come, by the parts so far. Shards hold what parts hold, and pictures once per config."""
        each = self.written / max(1, self.seen)
        left, free = each * (self.parts - self.seen), shutil.disk_usage(self.folder).free
        shards = each * self.parts
        short = "" if left + shards + self.reserve_gb * 1e9 < free else "; THIS WILL NOT BE ENOUGH"
        return (f"disk: a part takes {each / 1e6:.2f} MB, {self.parts - self.seen} more {_gb(left)}, shards at least "
                f"{_gb(shards)}; {_gb(free)} free{short}")


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
