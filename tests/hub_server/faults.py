"""What can go wrong between a client and the Hub, at a request of your choice."""

from dataclasses import dataclass

KINDS = ("refuse", "error", "drop", "lost", "stall", "corrupt", "conflict")
"""
* refuse: 403, nothing done
* error: 500, nothing done
* drop: the connection is closed without an answer, nothing done
* lost: the request is carried out, and the connection is closed before the answer
* stall: no answer until the client gives up, nothing done
* corrupt: a byte of an upload, or of a downloaded file, is another one; other requests pass
* conflict: 412, nothing done
"""


@dataclass(frozen=True)
class Fault:
    kind: str
    first: int
    """Number of the first request that it hits, from 1, counted since ``HubServer.arm``."""
    count: int | None = None
    """How many requests it hits; None: all from the first on."""

    def hits(self, number: int) -> bool:
        return number >= self.first and (self.count is None or number < self.first + self.count)
