"""What changed scenes cost to publish, in bytes, with the Hub's two ways to take files.

LFS takes whole files: a changed scene costs its shard. Xet, the Hub's own, takes chunks: a scene costs itself. Xet's
real client is measured, against a store in a folder.
"""

import shutil
from collections import Counter
from types import SimpleNamespace

import hf_xet
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Features, Image, List, Value
from huggingface_hub import HfApi

from builders.hub import parquet, shards
from builders.hub.dataset import Selection
from builders.hub.files import sha256_of
from builders.hub.publish import carry_out, plan_push
from builders.hub.repository import Content, HubRepo
from builders.hub.shards import ends_shard, write_split
from builders.tunnel import spatial_tunnel
from tests.builders.hub.published import lighter, tunnel

FEATURES = Features({"id": Value("int64"), "note": Value("string"), "image": List(Image())})
SCENES = 200


def test_one_changed_scene_of_forty_uploads_its_shards(hub, tmp_path, monkeypatch):
    """From the build to the server."""
    repo = HubRepo("org/tunnel", HfApi(endpoint=hub.endpoint, token=hub.token))
    monkeypatch.setattr(shards, "SHARD_BYTES", 10_000)
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 3_000)
    carry_out(plan_push(tunnel(tmp_path / "old", monkeypatch, size_scenes=40), repo))
    first = _shard_bytes(hub)
    draw = spatial_tunnel.pictures
    monkeypatch.setattr(spatial_tunnel, "pictures", lambda shots, config, name, folder: [
        lighter(data) if name == "size_variation/size_17" else data for data in draw(shots, config, name, folder)])
    before = set(hub.repo("datasets", "org/tunnel").objects)
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    shutil.rmtree(tmp_path / "new/.build/parts/size_variation/size_17")
    carry_out(plan_push(tunnel(tmp_path / "new", monkeypatch, "0.2.0", size_scenes=40), repo))
    assert 0 < _shard_bytes(hub, before) < 0.1 * first


def _shard_bytes(hub, known=frozenset()):
    """Of all shards that the store holds, but for those known; the card's pictures are no part of the rows."""
    objects = hub.repo("datasets", "org/tunnel").objects
    return sum(len(data) for oid, data in objects.items() if oid not in known and data[:4] == b"PAR1")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Parts with four pictures of 16 kB each, shown by ten rows; and where to write two of them anew."""
    folder = tmp_path_factory.mktemp("parts") / "toy"
    for number in range(SCENES):
        _write_part(folder, number, number)
    return folder


def _write_part(folder, number, seed, rows=10):
    rng = np.random.default_rng(seed)
    pictures = [{"bytes": rng.bytes(16_000), "path": None} for _ in range(4)]
    table = [{"id": 0, "note": f"scene {number}, row {row}", "image": [pictures[row % 4], pictures[(row + 1) % 4]]}
             for row in range(rows)]
    (folder / f"scene_{number:03d}").mkdir(parents=True, exist_ok=True)
    schema = FEATURES.arrow_schema
    pq.write_table(pa.Table.from_pylist(table, schema=schema), folder / f"scene_{number:03d}/rows.parquet",
                   **parquet.writer_options(schema))


def _written(folder, out, per_shard):
    """The shards of all parts: name -> bytes."""
    builder = SimpleNamespace(config_features=lambda config: FEATURES, tally=lambda table: Counter(),
                              finish=lambda config, tables, first_row, read: tables)
    parts = sorted(folder.iterdir())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_BYTES", per_shard * 64_000)
        made = write_split(builder, parts, out, Selection("all", "train", [
            (number, np.arange(pq.read_metadata(part / "rows.parquet").num_rows)) for number, part in enumerate(parts)
        ]))
    return [out / name for name in made.files]


def _xet_bytes(files, store):
    """New bytes that the Hub's client sends for these files, next to what the store has."""
    commit = hf_xet.XetSession().new_upload_commit(f"local://{store}")
    for file in files:
        commit.start_upload_file(str(file))
    return commit.wait_to_finish().dedup_metrics.new_bytes


@pytest.mark.parametrize("rows", [10, 7], ids=["other pictures", "fewer rows"])
def test_one_percent_of_changed_scenes_costs_their_shards_or_about_themselves(hub, scenes, tmp_path, rows):
    """Two of 200 scenes, about 7 a shard: two or three shards by LFS, a chunk more than the scenes by Xet."""
    old = _written(scenes, tmp_path / "old", per_shard=10)
    assert 10 < len(old) < 40
    lfs, xet = _lfs_bytes(old, hub), _xet_bytes(old, tmp_path / "store")
    kept = {number: (scenes / f"scene_{number:03d}/rows.parquet").read_bytes() for number in (60, 140)}
    try:
        for number in kept:
            _write_part(scenes, number, 1000 + number, rows)
        new = _written(scenes, tmp_path / "new", per_shard=10)
    finally:
        for number, data in kept.items():
            (scenes / f"scene_{number:03d}/rows.parquet").write_bytes(data)
    assert 0.01 * lfs < _lfs_bytes(new, hub) < 0.1 * lfs
    assert 0.01 * xet < _xet_bytes(new, tmp_path / "store") < 0.03 * xet


def _lfs_bytes(files, hub):
    """What arrives at the server when these files are committed."""
    repo = HubRepo("org/toy", HfApi(endpoint=hub.endpoint, token=hub.token))
    before = hub.uploaded_bytes
    contents = {f"all/{file.name}": Content(file, file.stat().st_size, sha256_of(file)) for file in files}
    repo.commit(repo.head() or repo.create(private=False), contents, (), "shards")
    return hub.uploaded_bytes - before


def test_shards_behind_a_changed_scene_keep_their_scenes():
    """Each of 400 scenes in turn loses half of its size: at most two shards hold other scenes than before."""
    rng = np.random.default_rng(0)
    sizes = {f"toy/{number}": int(size) for number, size in enumerate(rng.lognormal(0, 0.5, 400) * 10e6)}
    before = set(_cut(sizes))
    means = [sum(sizes[name] for name in shard) for shard in before]
    assert 0.6 * shards.SHARD_BYTES < np.mean(means) < 1.5 * shards.SHARD_BYTES and max(means) < 450e6
    moved = [len(set(_cut(sizes | {name: sizes[name] // 2})) - before) for name in sizes]
    assert max(moved) <= 6 and np.mean(moved) < 0.5


def _cut(sizes):
    found, here, held = [], [], 0
    for name, size in sizes.items():
        here.append(name)
        held += size
        if ends_shard(name, size, held):
            found.append(tuple(here))
            here, held = [], 0
    return [*found, tuple(here)]
