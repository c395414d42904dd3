"""Each dataset: built, pushed, and loaded back by its tag with fresh caches, equal to the folder row by row; its files
as viewers and readers of single columns want them; its card."""

import json
import re
import shutil
from collections import Counter
from functools import partial

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard, HfApi
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from builders import BUILDERS
from builders.hub.card import TEMPLATES, write_card
from builders.hub.card_facts import Facts
from builders.hub.difference import Version, row_differences
from builders.hub.files import sha256_of
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest
from builders.hub.publish import carry_out, plan_push, tag_of
from builders.hub.repository import HubRepo
from builders.spar.limits import Limits
from builders.spar.spar_3d import Spar3D
from builders.spar.spar_7m import Spar7M
from builders.spar.spar_bench import SparBench
from builders.spar.visibility_bases import BASES
from builders.tagged.cv_bench_tagged import CVBenchTagged
from builders.tagged.embspatial_tagged import EmbSpatialTagged
from builders.tagged.tagging import Tagging
from builders.tunnel.spatial_tunnel import SpatialTunnel
from tests.builders.hub.published import lighter, tunnel
from tests.builders.tagged.made import cv_row, depth_row, write_cv_parquet, write_parquet
from tests.builders.toy import toy_room, write_scannet
from tests.hub_server.read_back import folder_digests, read_back


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Dataset -> folder. SPAR-Bench embeds rooms, SPAR-7M refers to scans."""
    root = tmp_path_factory.mktemp("built")
    for n in range(2):
        write_scannet(root / "scans", toy_room(seed=n, scene_id=f"scene{n:04d}_00"))
    rows = [depth_row("mp3d", n, "far", (100 + 40 * n, 200, 300, 400)) for n in range(5)]
    write_parquet(root / "embspatial.parquet", rows)
    boxes = ((100, 200, 140, 240), (300, 300, 340, 340)), ((300, 300, 340, 340), (100, 200, 140, 240))
    write_cv_parquet(root / "cv.parquet", [cv_row(n, *boxes[n % 2]) for n in range(4)])
    made = [
        SparBench(sources=("procedural",), renderer="raycast", scenes=1, bench_scenes="all", per_task=2,
                  limits=Limits(max_keyframes=5, min_view_overlap=0.1)),
        Spar7M(sources=(f"scannet={root / 'scans'}",), max_per_task=2, tasks="depth_prediction_oc,obj_count"),
        Spar3D(sources=(f"scannet={root / 'scans'}",), max_per_task=2, limits=Limits(min_in_image_fraction=0.3)),
        EmbSpatialTagged(sources=(f"file={root / 'embspatial.parquet'}",), pixels="referenced"),
        CVBenchTagged(sources=(f"file={root / 'cv.parquet'}",), pixels="referenced"),
    ]
    for builder in made:
        only = "default" if builder.name == "spar_bench" else ""  # depth maps as lists of floats take half a minute
        build_folder(builder, root / builder.name, only_config=only, progress=False)
    with pytest.MonkeyPatch.context() as patch:
        tunnel(root / "spatial_tunnel", patch)
    return {name: root / name for name in BUILDERS}


@pytest.mark.slow
def test_what_was_built_is_what_readers_of_the_tag_get(hub, built, tmp_path):
    jobs, wanted = [], []
    for name, folder in built.items():
        carry_out(plan_push(folder, HubRepo(f"org/{name}", HfApi(endpoint=hub.endpoint, token=hub.token))))
        manifest = read_manifest(folder)
        for split in manifest["rows"]:
            jobs.append([f"org/{name}", tag_of(manifest), split, False])
            wanted.append(folder_digests(folder, split))
            assert len(wanted[-1]) == manifest["rows"][split] > 0
    assert {job[0].split("/")[1] for job in jobs} == set(BUILDERS)
    loaded = read_back(hub.endpoint, tmp_path / "reader", jobs + [[*job[:3], True] for job in jobs])
    asked = len(hub.log)
    assert read_back(hub.endpoint, tmp_path / "reader", jobs, HF_HUB_OFFLINE="1") == wanted
    assert len(hub.log) == asked
    for job, rows, again in zip(jobs, loaded, wanted):
        assert rows == again, job
    assert loaded == wanted * 2


class Counting:
    """A file that counts what is read of it."""

    def __init__(self, path):
        self.file, self.bytes, self.closed = path.open("rb"), 0, False

    def read(self, size=-1):
        data = self.file.read(size)
        self.bytes += len(data)
        return data

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_shards_are_what_viewers_and_readers_of_single_columns_want(built):
    for name, folder in built.items():
        for shard, entry in read_manifest(folder)["files"].items():
            file = pq.ParquetFile(folder / shard)
            pictures = [field.name for field in file.schema_arrow if _holds_pictures(field.type)]
            features = datasets.Features.from_arrow_schema(file.schema_arrow)
            assert all("Image" in repr(features[column]) for column in pictures), shard
            for group in range(file.num_row_groups):
                columns = [file.metadata.row_group(group).column(i) for i in range(file.metadata.num_columns)]
                assert all(column.has_offset_index for column in columns), shard
                assert all(c.has_column_index for c in columns if not c.path_in_schema.endswith(".bytes")), shard
                rows = file.read_row_group(group, columns=pictures).to_pylist() if pictures else []
                held = [image for row in rows for column in row.values()
                        for image in (column if isinstance(column, list) else [column])]
                assert sum(len(image["bytes"]) for image in held if image and image["bytes"]) <= 100_000_000
            counting = Counting(folder / shard)
            columns = [column for column in file.schema_arrow.names if column not in pictures]
            read = pq.ParquetFile(pa.PythonFile(counting, mode="r")).read(columns=columns)
            assert len(read) == entry["rows"]
            if name == "spar_bench":  # large enough for pictures to outweigh what every reader needs
                assert counting.bytes < 0.25 * entry["bytes"], shard


def _holds_pictures(kind):
    kind = kind.value_type if pa.types.is_list(kind) else kind
    return pa.types.is_struct(kind) and {child.name for child in kind} == {"bytes", "path"}


@pytest.mark.parametrize("name", BUILDERS)
def test_the_card_shows_what_the_rows_are_and_nothing_that_nobody_filled_in(built, name):
    folder = built[name]
    manifest, card = read_manifest(folder), (folder / "README.md").read_text()
    page = DatasetCard(card).text
    for placeholder in ("{{", "{%", "PATH_OR_REPO", "More Information", "None", "Undefined", "TODO", "nan"):
        assert placeholder not in page, placeholder
    shown = re.findall(r"!\[[^\]]{10,}\]\(([^)]+)\)", page)
    assert shown and set(shown) == set(manifest["card"])
    for path in shown:
        assert sha256_of(folder / path) == manifest["card"][path]["sha256"]
        with Image.open(folder / path) as picture:
            assert picture.format == "PNG" and not picture.info and picture.width > 300
    assert ("card/samples.png" in shown) == (name in ("spar_bench", "spatial_tunnel"))  # the others refer to theirs
    splits = {path.rsplit("-", 3)[0].removesuffix("-"): None for path in manifest["files"]}
    for split in splits:
        shards = sorted(folder.glob(f"{split}-*.parquet"))
        for column in pq.read_schema(shards[0]).names:
            assert re.search(rf"^\| `{column}` \| [\w ]+ \| .{{5,}} \|$", page, re.M), (split, column)
    assert f"This is {manifest['version']}" in page and f"* `v{manifest['version']}`:" in page
    assert all(licence in page for licence in manifest["licences"].values())
    assert "2503.22976" in page and "2605.30161" in page and "min2026farlooksup" in page and "## Limits" in page
    examples = re.findall(r'load_dataset\("\./([^"]+)", (?:"(\w+)", )?split="(\w+)"', page)
    assert examples and {example[0] for example in examples} == {folder.name}
    assert {f"{config or 'default'}/{split}" for _, config, split in examples} <= set(manifest["rows"])


def test_tags_and_answers_on_the_card_are_those_of_the_rows(built):
    """Counted by pyarrow alone."""
    for name, kind in (("spatial_tunnel", "template"), ("cv_bench_tagged", "task"), ("spar_bench", "task")):
        folder = built[name]
        shards = [path for path in folder.glob("*/*.parquet") if path.parent.name not in ("depth", "tiny", "rgbd")]
        rows = [row for path in shards for row in pq.read_table(path, columns=["heuristic", kind]).to_pylist()]
        tags = Counter(row["heuristic"] for row in rows if row["heuristic"])
        said = ", ".join(f"{tags[tag]:,} {tag}" for tag in ("consistent", "counter", "ambiguous"))
        page = (folder / "README.md").read_text()
        assert said in page and f"{len(rows):,} question" in page


def test_a_card_made_again_is_the_same_to_the_byte_and_its_pictures_are_no_data(built):
    folder = built["spatial_tunnel"]
    manifest, before = read_manifest(folder), {path: path.read_bytes() for path in folder.glob("card/*")}
    builder = SpatialTunnel(renderer="raycast")
    assert write_card(builder, folder, manifest) == manifest["card"]
    assert {path: path.read_bytes() for path in folder.glob("card/*")} == before
    configs = {split.split("/")[0] for split in manifest["rows"]}
    assert set(datasets.get_dataset_config_names(str(folder))) == configs
    rows = datasets.load_dataset(str(folder), "size_variation", split="test")
    assert len(rows) == manifest["rows"]["size_variation/test"]


def test_the_answer_that_is_most_out_of_balance_is_named():
    facts = Facts([], answers=Counter({("left", "", "A"): 3, ("left", "", "B"): 1, ("far", "", "A"): 2,
                                       ("far", "", "B"): 2, ("always", "", "Yes"): 9}))
    assert facts.largest_share == (0.75, "left", "A")
    del facts.answers["left", "", "A"], facts.answers["left", "", "B"]
    assert facts.largest_share == (0.0, "", "")


def test_cards_have_words_for_every_way_of_telling_what_is_visible():
    part = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined).get_template(
        "parts/visibility.md.jinja")
    said = {part.render(manifest={"scenes": [{"visibility_basis": basis}] * 2}) for basis in BASES}
    assert len(said) == len(BASES) and sum("rays" in words for words in said) == 2


def test_rooms_rendered_again_after_one_spec_are_the_same_version(built, tmp_path):
    """As a denoiser might leave them: one a level lighter. Without a spec, or after another, it is another picture."""
    folder = built["spar_bench"]
    again = shutil.copytree(folder, tmp_path / "again", ignore=shutil.ignore_patterns(".build"))
    manifest = read_manifest(folder)
    (shard,) = manifest["files"]
    table = pq.read_table(folder / shard)
    images = table["image"].to_pylist()
    images[0][0]["bytes"] = lighter(images[0][0]["bytes"])
    place, field = table.schema.get_field_index("image"), table.schema.field("image")
    pq.write_table(table.set_column(place, field, pa.array(images, field.type)), again / shard)
    changed = json.loads(json.dumps(manifest))
    changed["files"][shard]["sha256"] = sha256_of(again / shard)
    scene = f"{table['source'][0]}/{table['scene_id'][0]}"

    def differences(old_spec, new_spec):
        return row_differences(Version.in_folder(folder, manifest | {"render_spec": {scene: old_spec}}),
                               Version.in_folder(again, changed | {"render_spec": {scene: new_spec}}))

    assert differences("a", "a") == []
    assert "pictures in" in differences("a", "b")[0]
    assert manifest["render_spec"] == {} and "pictures in" in row_differences(
        Version.in_folder(folder, manifest), Version.in_folder(again, changed))[0]


@pytest.mark.parametrize("cls", [SparBench, Spar7M, EmbSpatialTagged])
def test_denoised_rooms_have_a_render_spec_and_others_none(cls):
    def specs(**options):
        builder = cls(sources=("procedural",), scenes=1, **options)
        builder._tagging = Tagging([], "", {}, {}, {})
        return builder.manifest_extras([], builder.refs)["render_spec"]

    if cls is SparBench:
        cls = partial(SparBench, bench_scenes="all")
    (name,), (spec,) = zip(*specs(renderer="cycles").items())
    assert name.startswith("procedural/room_") and len(spec) == 64
    assert specs(renderer="cycles") == {name: spec} != specs(renderer="cycles", seed=1)
    assert specs(renderer="raycast") == {}
