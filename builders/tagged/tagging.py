"""What tagging a benchmark gives: an outcome for each row, and the counts for manifest and report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builders.heuristic import TAGS
from builders.tagged.policies import Outcome

UNTAGGED = "untagged"


@dataclass(frozen=True)
class Tagging:
    """All rows of a benchmark, in order."""

    outcomes: Sequence[Outcome]
    chosen: str
    """Which of ``counts`` they are."""
    counts: Mapping[str, Mapping[str, int]]
    """Policy, or where boxes were taken from -> tag, or ``untagged`` -> depth questions."""
    untagged: Mapping[str, Mapping[str, int]]
    """Kind of question -> reason -> rows without a tag."""
    problems: Mapping[str, int]
    """What is odd in the input -> rows; not every oddity costs a row its tag."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """How boxes were read."""

    def as_dict(self) -> dict[str, Any]:
        """Everything but the outcomes, for the manifest."""
        return {"chosen": self.chosen, "counts": {name: dict(counts) for name, counts in self.counts.items()},
                "untagged": {kind: dict(reasons) for kind, reasons in self.untagged.items()},
                "problems": dict(self.problems), **self.details}


def tag_counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many of each tag, and without."""
    counts = Counter(outcome.heuristic or UNTAGGED for outcome in outcomes)
    return {name: counts[name] for name in (*TAGS, UNTAGGED)}


def reasons(kinds: Sequence[str], outcomes: Sequence[Outcome]) -> dict[str, dict[str, int]]:
    """Kind of question -> reason -> rows, of the rows without a tag; the most frequent reason first."""
    found: dict[str, Counter[str]] = {}
    for kind, outcome in zip(kinds, outcomes, strict=True):
        if outcome.reason:
            found.setdefault(kind, Counter())[outcome.reason] += 1
    return {kind: dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
            for kind, counts in sorted(found.items())}
