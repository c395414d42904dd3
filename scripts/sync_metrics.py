"""Copy metrics/_shared/<name>.py to metrics/<metric>/_<name>.py, so that each metric folder stands alone on the Hub.

A metric has a copy of every shared file that one of its own files imports (``from ._answers import ...``), and of those
that these import in turn. A shared file imports another as ``from .answers import ...``; in the copy that line reads
``from ._answers import ...``, and nothing else differs.

    python scripts/sync_metrics.py           # write the copies
    python scripts/sync_metrics.py --check   # exit 1 and name the copies that differ
"""

import argparse
import re
import sys
from pathlib import Path

METRICS = Path(__file__).resolve().parents[1] / "metrics"


def vendored_copies(metrics: Path = METRICS) -> dict[Path, Path]:
    """Every copy there should be, with the shared file it comes from."""
    copies: dict[Path, Path] = {}
    for module in sorted(metrics.glob("*/*.py")):
        if module.parent.name == module.stem:
            code = "\n".join(path.read_text() for path in sorted(module.parent.glob("*.py")))
            needed = set(re.findall(r"^from \._(\w+) import", code, flags=re.M))
            while needed:
                name = needed.pop()
                shared = metrics / "_shared" / f"{name}.py"
                if shared.is_file() and copies.setdefault(module.parent / f"_{name}.py", shared):
                    others = re.findall(r"^from \.(\w+) import", shared.read_text(), flags=re.M)
                    needed |= {other for other in others if module.parent / f"_{other}.py" not in copies}
    return dict(sorted(copies.items()))


def vendored_text(shared: Path) -> str:
    """The text of a shared file as its copies hold it."""
    return re.sub(r"^from \.(?!_)(?=\w)", "from ._", shared.read_text(), flags=re.M)


def differing(copies: dict[Path, Path]) -> list[Path]:
    """The copies that are missing or not equal to their source."""
    return [copy for copy, shared in copies.items() if not copy.is_file() or copy.read_text() != vendored_text(shared)]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Copy metrics/_shared into the metric folders.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a copy differs")
    parser.add_argument("--metrics", type=Path, default=METRICS, help="folder of the metrics (default: %(default)s)")
    options = parser.parse_args(arguments)
    copies = vendored_copies(options.metrics)
    stale = differing(copies)
    for copy in stale:
        print(f"{copy.relative_to(options.metrics)} {'differs' if options.check else 'written'}")
        if not options.check:
            copy.write_text(vendored_text(copies[copy]))
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
