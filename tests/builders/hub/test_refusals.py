"""What is not published: folders that are not what their manifest says, or that may not be passed on."""

import json
import pkgutil
import shutil
from importlib import import_module
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import HfApi

import builders.scenes
from builders import BUILDERS, builder_class
from builders.errors import InputError
from builders.hub.check import folder_problems
from builders.hub.files import sha256_of
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest, write_manifest
from builders.hub.publish import plan_push
from builders.hub.repository import HubRepo
from builders.spar.spar_bench import SparBench
from builders.tagged.cv_bench_tagged import CVBenchTagged
from builders.tagged.embspatial_tagged import EmbSpatialTagged
from builders.tagged.verify import row_problems
from tests.builders.hub.published import tunnel
from tests.builders.tagged.made import cv_row, depth_row, write_cv_parquet, write_parquet
from tests.builders.toy import toy_room, write_scannet

ROOT = Path(__file__).parents[3]
SHARD = "size_variation/test-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return tunnel(tmp_path_factory.mktemp("whole") / "out", patch)


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copy", ignore=shutil.ignore_patterns(".build"))


def tampered(folder):
    data = bytearray((folder / SHARD).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / SHARD).write_bytes(data)


def missing(folder):
    (folder / SHARD).unlink()


def stray(folder):
    shutil.copy(folder / SHARD, folder / "size_variation" / "test-00001-of-00002.parquet")


def tampered_picture(folder):
    (folder / "card" / "tasks.png").write_bytes(b"another")


def picture_outside(folder):
    manifest = read_manifest(folder)
    manifest["card"]["card/../../secret.png"] = manifest["card"].pop("card/tasks.png")
    write_manifest(folder, manifest)


def no_card(folder):
    (folder / "README.md").unlink()


def card_of_another_version(folder):
    card = folder / "README.md"
    card.write_text(card.read_text().replace("version: 0.1.0", "version: 0.0.9"))


def rows_miscounted(folder):
    manifest = read_manifest(folder)
    manifest["files"][SHARD]["rows"] += 1
    write_manifest(folder, manifest)


def other_columns(folder):
    """A shard and a manifest that agree, against the card."""
    table = pq.read_table(folder / SHARD).drop_columns(["heuristic"])
    features = datasets.Features.from_arrow_schema(table.schema)
    pq.write_table(table.replace_schema_metadata(features.arrow_schema.metadata), folder / SHARD)
    manifest = read_manifest(folder)
    manifest["files"][SHARD] |= {"sha256": sha256_of(folder / SHARD), "bytes": (folder / SHARD).stat().st_size}
    write_manifest(folder, manifest)


def file_outside(folder):
    manifest = read_manifest(folder)
    manifest["files"]["../secret-00000-of-00001.parquet"] = manifest["files"].pop(SHARD)
    write_manifest(folder, manifest)


def card_that_reads_other_files(folder):
    card = folder / "README.md"
    card.write_text(card.read_text().replace("path: size_variation/test-*.parquet", "path: '**'"))


def manifest_without(key, *path):
    def damage(folder):
        manifest = json.loads((folder / "manifest.json").read_text())
        held = manifest
        for name in path:
            held = held[name]
        del held[key]
        write_manifest(folder, manifest)

    return damage


@pytest.mark.parametrize("damage, says", [
    (tampered, f"{SHARD}: differs from its sha256"),
    (missing, f"{SHARD}: missing"),
    (stray, "size_variation/test-00001-of-00002.parquet: not in the manifest"),
    (tampered_picture, "card/tasks.png: differs from its sha256"),
    (picture_outside, "card/../../secret.png: not a picture of a card"),
    (no_card, "README.md: missing"),
    (card_of_another_version, "README.md: version 0.0.9 of config size_variation, the manifest says 0.1.0"),
    (rows_miscounted, f"{SHARD}: has 16 rows, the manifest says 17"),
    (other_columns, f"{SHARD}: its columns differ from those of size_variation in README.md"),
    (file_outside, "../secret-00000-of-00001.parquet: not the name of a shard"),
    (card_that_reads_other_files, "README.md: reads size_variation/test from '**'"),
    (manifest_without("rows"), "manifest.json: damaged"),
    (manifest_without("bytes", "files", SHARD), "manifest.json: damaged"),
    (manifest_without("licences"), "manifest.json: names no licence"),
    (manifest_without("settings"), "manifest.json: names no licence"),
    (manifest_without("spatial_tunnel", "settings", "pixels"), "pixels of spatial_tunnel"),
])
def test_a_folder_that_is_not_what_its_manifest_says_is_refused_with_the_files_name(hub, folder, damage, says):
    repo = HubRepo("org/tunnel", HfApi(endpoint=hub.endpoint, token=hub.token))
    assert folder_problems(folder, read_manifest(folder)) == []
    damage(folder)
    with pytest.raises(InputError) as refused:
        plan_push(folder, repo)
    assert says in str(refused.value)
    assert hub.log == []


def test_the_manifest_of_another_folder_is_refused_with_the_names_of_both(hub, folder, tmp_path, monkeypatch):
    other = tunnel(tmp_path / "other", monkeypatch, seed=1)
    shutil.copy(other / "manifest.json", folder / "manifest.json")
    with pytest.raises(InputError, match=f"{SHARD}: differs from its sha256"):
        plan_push(folder, HubRepo("org/tunnel", HfApi(endpoint=hub.endpoint, token=hub.token)))
    manifest = json.loads((folder / "manifest.json").read_text()) | {"dataset": "spar_bench"}
    manifest["files"] = {"default/test-00000-of-00001.parquet": manifest["files"][SHARD]}
    write_manifest(folder, manifest)
    with pytest.raises(InputError, match=r"default/test-00000-of-00001\.parquet: missing"):
        plan_push(folder, HubRepo("org/tunnel", HfApi(endpoint=hub.endpoint, token=hub.token)))


def test_scans_are_published_by_reference_only(hub, tmp_path):
    write_scannet(tmp_path / "scans", toy_room(seed=0, scene_id="scene0000_00"))
    repo = HubRepo("org/bench", HfApi(endpoint=hub.endpoint, token=hub.token))
    options = dict(sources=(f"scannet={tmp_path / 'scans'}",), bench_scenes="all", per_task=2, tiny_per_task=1)
    build_folder(SparBench(pixels="embedded", **options), tmp_path / "embedded", progress=False)
    with pytest.raises(InputError, match=r"pixels of scannet are embedded, and they may not be .*--pixels ref"):
        plan_push(tmp_path / "embedded", repo)
    assert hub.log == []
    build_folder(SparBench(**options), tmp_path / "auto", progress=False)
    assert plan_push(tmp_path / "auto", repo).changed


@pytest.mark.parametrize("cls", [EmbSpatialTagged, CVBenchTagged])
def test_photographs_of_published_benchmarks_are_published_by_reference_only(hub, cls, tmp_path):
    """Their pictures stay in the benchmark's own repository; tags are checked all the same."""
    write_parquet(tmp_path / "embspatial_tagged.parquet", [depth_row("mp3d", n, "far", (100, 200, 300, 400))
                                                           for n in range(3)])
    write_cv_parquet(tmp_path / "cv_bench_tagged.parquet", [cv_row(0, (200, 330, 330, 450), (50, 60, 150, 120), "(A)")])
    name = cls(sources=("file=x",)).name
    options = {"sources": (f"file={tmp_path / name}.parquet",)}
    repo = HubRepo("org/tagged", HfApi(endpoint=hub.endpoint, token=hub.token))
    build_folder(cls(**options), tmp_path / "embedded", progress=False)
    with pytest.raises(InputError, match=r"pixels of (EmbSpatial|CV)-Bench are embedded, .*--pixels referenced"):
        plan_push(tmp_path / "embedded", repo)
    build_folder(cls(pixels="referenced", **options), tmp_path / "referenced", progress=False)
    assert plan_push(tmp_path / "referenced", repo).changed
    manifest = read_manifest(tmp_path / "referenced")
    assert "card/samples.png" not in manifest["card"]
    for shard in manifest["files"]:
        for row in pq.read_table(tmp_path / "referenced" / shard).to_pylist():
            assert row["image"] is None and row_problems(row, manifest) == []


def test_readers_and_the_licence_guard_agree_on_what_may_be_passed_on():
    """Every reader in the package, whether or not somebody has remembered the guard."""
    told = {}
    for module in pkgutil.iter_modules(builders.scenes.__path__, "builders.scenes."):
        found = [import_module(module.name)]
        if module.ispkg:
            found += [import_module(inner.name) for inner in pkgutil.iter_modules(found[0].__path__, f"{module.name}.")
                      if inner.name.endswith(".source")]
        for kind in (value for one in found for value in vars(one).values() if isinstance(value, type)):
            if "redistributable" in vars(kind) and isinstance(kind.redistributable, bool):
                told[kind.name] = kind.redistributable
    # scannetpp_dslr is another way to read the scans of scannetpp, and its rows are called so
    assert set(told) == set(builders.scenes.SOURCES) - {"scannetpp_dslr"}
    assert told == {name: builders.scenes.may_be_passed_on(name) for name in told}


@pytest.mark.parametrize("name", BUILDERS)
def test_one_constant_is_the_version_everywhere(name):
    cls = builder_class(name)
    assert {str(config.version) for config in cls.BUILDER_CONFIGS} == {str(cls.VERSION)}
    releases = yaml.safe_load((ROOT / "hub_cards" / "releases.yaml").read_text())[name]
    assert next(iter(releases)) == str(cls.VERSION), "say in hub_cards/releases.yaml what the version brings"


def test_card_manifest_and_loaded_dataset_say_the_same_version(whole):
    (version,) = {str(datasets.load_dataset_builder(str(whole), name).config.version)
                  for name in ("size_variation", "contrastive_probing")}
    assert version == read_manifest(whole)["version"] == "0.1.0"
