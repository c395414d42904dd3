"""Time and memory of what a model does here, and the spread of repeated measurements."""

import ctypes
import gc
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binom

_MIB = 1 << 20
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Spread(NamedTuple):
    """Of repeated measurements."""

    median: float
    low: float
    high: float
    """The 95 % interval of the median: of the order statistics, the closest pair that holds it so often, whatever the
    distribution; all of the range where there are fewer than six."""
    method: str
    first_quartile: float
    third_quartile: float
    n: int


def spread_of(values: Sequence[float]) -> Spread:
    """Median, interval and quartiles.

    >>> spread_of([5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0])[:4]
    (5.5, 2.0, 9.0, 'order_statistics')
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    rank = int(binom.ppf(0.025, n, 0.5))  # fewer values than this fall below the median in less than 2.5 % of samples
    method = "order_statistics" if rank else "range"
    low, high = ordered[max(rank, 1) - 1], ordered[-max(rank, 1)]
    first, third = np.quantile(ordered, (0.25, 0.75))
    return Spread(float(np.median(ordered)), float(low), float(high), method, float(first), float(third), n)


class Device:
    """Where a model runs: the GPUs there are, else this process."""

    def __init__(self) -> None:
        import torch

        self._cuda: Any = torch.cuda if torch.cuda.is_available() else None
        self.name = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())) or (
            f"CPU, {torch.get_num_threads()} threads")
        self.memory = "allocated on the GPUs, at most (torch.cuda.max_memory_allocated)" if self._cuda else (
            "resident in this process, at most" + ("" if _CLEAR.exists() else ", since it began"))

    def now(self) -> float:
        """Seconds of the clock, once all work has been done."""
        for device in range(self._cuda.device_count() if self._cuda else 0):
            self._cuda.synchronize(device)
        return perf_counter()

    def forget_peak(self) -> None:
        """Measure the peak from here."""
        if self._cuda:
            for device in range(self._cuda.device_count()):
                self._cuda.reset_peak_memory_stats(device)
        elif _CLEAR.exists():
            _CLEAR.write_text("5")

    def peak(self) -> float:
        """MiB: the most that was in use, weights included."""
        if self._cuda:
            return sum(self._cuda.max_memory_allocated(i) for i in range(self._cuda.device_count())) / _MIB
        if _CLEAR.exists():
            return int(_STATUS.read_text().partition("VmHWM:")[2].split()[0]) / 1024
        unit = _MIB if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

    def tidy(self) -> None:
        """Give back memory that is not in use: what one setting has left would count in the peak of the next."""
        gc.collect()
        if self._cuda:
            self._cuda.empty_cache()
        elif trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of glibc
            trim(0)
