"""Hidden states on disk: what is written is what is read, each shard by one process, and damage is seen."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra `models` is not installed")

from builders.errors import InputError
from recipes.probe.state_files import STATES, Shard, StateFolder, StateIndex

INDEX = StateIndex("m", "0" * 64, n_rows=10, rows_per_shard=4, layers=(3, 7), n_layers=9, width=5, dtype="float16")


def arrays(folder: StateFolder, shard: int) -> Shard:
    rows = np.array(folder.index.rows(shard))
    state = np.stack([rows[:, None] + layer + np.arange(5) / 8 for layer in folder.index.layers])
    return {"original": state, "swapped": -state, "margin_original": rows * 1.0, "margin_swapped": rows * np.nan}


def filled(run: Path, index: StateIndex = INDEX) -> StateFolder:
    folder = StateFolder.begin(run, index)
    for shard in folder.missing():
        folder.write(shard, arrays(folder, shard))
    return folder


def test_states_come_back_by_layer_in_the_order_of_the_pairs(run: Path):
    folder = StateFolder.open(filled(run).folder.parent)
    folder.require_whole()
    expected = np.arange(10)[:, None] + np.arange(5) / 8
    for layer in (3, 7):
        assert np.array_equal(folder.read("original", layer), expected + layer)
        assert np.array_equal(folder.read("swapped", layer), -expected - layer)
    assert np.array_equal(folder.read("margin_original"), np.arange(10))
    assert np.isnan(folder.read("margin_swapped")).all()


def test_the_disk_that_is_announced_is_the_disk_that_is_taken(run: Path):
    index = replace(INDEX, n_rows=400, rows_per_shard=100, width=64)
    folder = filled(run, replace(index, width=5))
    taken = sum(path.stat().st_size for path in folder.folder.glob("*.safetensors"))
    assert folder.index.n_bytes <= taken <= folder.index.n_bytes + 4 * 1000  # headers


def test_a_disk_that_is_too_small_stops_it_before_anything_is_written(run: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage(run.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    with pytest.raises(InputError, match=r"needs 480 B more, the disk has 100 B"):
        StateFolder.begin(run, INDEX)
    assert not list((run / "states").glob("shard*")) and not (run / "states" / "index.json").exists()


@pytest.mark.parametrize("damage", ["flip", "cut", "no checksum", "gone"])
def test_a_damaged_shard_is_seen_and_made_anew(run: Path, damage: str):
    folder = filled(run)
    whole = folder.path(1).read_bytes()
    if damage == "flip":
        folder.path(1).write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
    elif damage == "cut":
        folder.path(1).write_bytes(whole[:-8])
    elif damage == "no checksum":
        folder.path(1).with_suffix(".json").unlink()
    else:
        folder.path(1).unlink()
    assert folder.missing() == [1]
    with pytest.raises(InputError, match="1 of 3 shards are not there or damaged, shard-00001"):
        folder.require_whole()
    assert filled(run).missing() == [] and folder.path(1).read_bytes() == whole


def test_a_shard_belongs_to_who_claims_it_first(run: Path):
    folder = StateFolder.begin(run, INDEX)
    other = StateFolder.begin(run, INDEX)
    with folder.claimed(0) as mine, other.claimed(0) as theirs, other.claimed(1) as next_one:
        assert (mine, theirs, next_one) == (True, False, True)
        folder.write(0, arrays(folder, 0))
    with other.claimed(0) as done:
        assert not done


_WRITER = """
import sys, time
from pathlib import Path
from tests.recipes.probe.test_state_files import *
folder = StateFolder.begin(Path(sys.argv[1]), replace(INDEX, n_rows=120))
made = []
for shard in range(folder.index.n_shards):
    with folder.claimed(shard) as mine:
        if mine:
            time.sleep(0.01)
            folder.write(shard, arrays(folder, shard))
            made.append(shard)
print(made)
"""


def test_processes_divide_the_shards_and_none_is_made_twice(run: Path):
    root = Path(__file__).parents[3]
    workers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(run)], stdout=subprocess.PIPE, cwd=root)
               for _ in range(3)]
    made = [shard for worker in workers for shard in json.loads(worker.communicate()[0])]
    assert sorted(made) == list(range(30))
    assert StateFolder.open(run).missing() == []


def test_states_of_another_run_are_never_mixed_in(run: Path):
    filled(run)
    with pytest.raises(InputError, match=r"another run \(other model, layers\)"):
        StateFolder.begin(run, replace(INDEX, model="n", layers=(3, 8)))
    with pytest.raises(InputError, match="no hidden states"):
        StateFolder.open(run.parent)


def test_a_state_beyond_float16_is_refused_with_the_way_out(run: Path):
    folder = StateFolder.begin(run, INDEX)
    large = arrays(folder, 0)
    large["swapped"][1, 2, 3] = -70000
    with pytest.raises(InputError, match=r"70000 does not fit into float16.*--store float32"):
        folder.write(0, large)
    assert folder.missing() == [0, 1, 2]
    wide = StateFolder.begin(run.parent / "wide", replace(INDEX, dtype="float32"))
    wide.write(0, large)
    assert wide.missing() == [1, 2]


def test_states_that_are_not_finite_are_kept_for_the_report_to_count(run: Path):
    folder = StateFolder.begin(run, replace(INDEX, n_rows=4))
    odd = arrays(folder, 0)
    odd["original"][0, 1, 1], odd["original"][0, 2, 1] = np.nan, np.inf
    folder.write(0, odd)
    assert not np.isfinite(folder.read(STATES[0], 3)[1:3]).all(axis=1).any()
