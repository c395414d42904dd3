"""What a reader of a dataset gets, in a process and with caches of its own: run as a script, driven by ``read_back``.

Rows are compared by digests: of all columns, with the encoded bytes of pictures in place of the pictures.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def digest(row):
    """Of a row with undecoded pictures."""
    def plain(value):
        return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else repr(value)

    return hashlib.sha256(json.dumps(row, sort_keys=True, default=plain).encode()).hexdigest()


def folder_digests(folder, split):
    """By pyarrow alone: the rows of ``<config>/<split>`` of a folder, in order."""
    import pyarrow.parquet as pq

    shards = sorted(folder.glob(f"{split}-*.parquet"))
    return [digest(row) for shard in shards for row in pq.read_table(shard).to_pylist()]


def read_back(endpoint, home, jobs, **environment):
    """The digests of each job, or the error it ends with.

    Args:
        home: the caches; a new folder makes a fresh reader.
        jobs: [repository, revision or None, ``<config>/<split>``, whether to stream] each.
    """
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
           "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "tests.hub_server.read_back"], input=json.dumps(jobs), text=True,
                          capture_output=True, env=clean | own | environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _undecoded(rows):
    import datasets

    for name, feature in rows.features.items():
        inner = feature.feature if isinstance(feature, datasets.List) else feature
        if isinstance(inner, datasets.Image):
            plain = datasets.Image(decode=False)
            rows = rows.cast_column(name, datasets.List(plain) if inner is not feature else plain)
    return rows


def _read(repo, revision, name, streaming):
    import datasets

    config, split = name.split("/")
    try:
        rows = datasets.load_dataset(repo, config, split=split, revision=revision, streaming=streaming)
        return [digest(row) for row in _undecoded(rows)]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    print(json.dumps([_read(*job) for job in json.load(sys.stdin)]))
