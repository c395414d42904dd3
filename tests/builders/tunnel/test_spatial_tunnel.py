"""The dataset as its users get it: load_dataset, resumption at the image, TSV, commands."""

import base64
import csv
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import datasets
import numpy as np
import pandas
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from builders.errors import InputError
from builders.hub.folder import BuildResult, build_folder
from builders.hub.manifest import file_problems
from builders.tunnel import pictures
from builders.tunnel.compose import encode
from builders.tunnel.config import CONFIG_NAMES
from builders.tunnel.plans import shots_of
from builders.tunnel.questions import rolled
from builders.tunnel.raycast import RaycastRenderer
from builders.tunnel.spatial_tunnel import SpatialTunnel
from scripts.build import app
from scripts.tunnel_tsv import write_tsv
from tests.builders.tunnel.conftest import SMALL, small_tunnel

ROWS = {"phase_variation": 2 * 16 * 4, "size_variation": 2 * 11 * 4, "contrastive_probing": 2 * 24,
        "horizontal_control": 2 * 16, "roll_control": 2 * 16 * 4}


def columns(folder: Path, config: str) -> list[dict]:
    """All columns but the picture."""
    rows = []
    for path in sorted((folder / config).glob("*.parquet")):
        rows += pq.read_table(path).drop_columns(["image"]).to_pylist()
    return rows


def test_every_config_loads_with_its_rows_in_order(built: BuildResult, tmp_path: Path):
    for config, count in ROWS.items():
        rows = datasets.load_dataset(str(built.folder), config, split="test", cache_dir=str(tmp_path))
        assert list(rows.features)[:4] == ["index", "image", "question", "answer"]
        assert rows["index"][:] == list(range(count))
        assert rows[count - 1]["image"].size == (64, 64)
    assert file_problems(built.folder, built.manifest) == []
    default = datasets.load_dataset(str(built.folder), split="test", cache_dir=str(tmp_path))
    assert len(default) == ROWS["size_variation"]  # the published default


def test_the_published_counts_are_the_default():
    wanted = {"phase_variation": (12, 256), "size_variation": (25, 11), "contrastive_probing": (50, 4),
              "horizontal_control": (25, 4), "roll_control": (12, 64)}
    builder = SpatialTunnel()
    assert Counter(ref.source for ref in builder.refs) == {name: scenes for name, (scenes, _) in wanted.items()}
    for name, (_, images) in wanted.items():
        assert len(shots_of(name, next(r.scene_id for r in builder.refs if r.source == name), builder.config)) == images


def test_a_picture_is_stored_once(built: BuildResult):
    for config, images in (("phase_variation", 32), ("size_variation", 22), ("contrastive_probing", 8)):
        told = built.manifest["images"][f"{config}/test"]
        table = pq.read_table(built.folder / f"{config}/test-00000-of-00001.parquet")
        assert len({picture["bytes"] for picture in table["image"].to_pylist()}) == images
        assert told["plain_bytes"] > 3 * told["unique_bytes"]
        metadata = pq.read_metadata(built.folder / f"{config}/test-00000-of-00001.parquet").row_group(0)
        stored = next(metadata.column(i) for i in range(metadata.num_columns)
                      if metadata.column(i).path_in_schema == "image.bytes")
        assert stored.total_compressed_size < 1.1 * told["unique_bytes"]


def test_the_manifest_holds_every_parameter_and_the_census(built: BuildResult):
    settings = built.manifest["settings"]
    assert settings["tunnel"]["depth_far"] == 5.0 and settings["size_sum"] == 0.4 and settings["renderer"] == "raycast"
    cells = built.manifest["cells"]["phase_variation"]
    assert cells["heuristic"] == {"ambiguous": 8, "consistent": 12, "counter": 12}
    (file,) = (built.folder / "phase_variation").glob("*.parquet")
    rows = pq.read_table(file, columns=["scene_id", "cell", "vertical_gap"]).to_pylist()
    gaps = {(row["scene_id"], *row["cell"]): row["vertical_gap"] for row in rows}
    wide = Counter("ambiguous" if abs(gap) < 0.05 else "consistent" if gap > 0 else "counter" for gap in gaps.values())
    assert cells["heuristic, min_gap 0.05"] == wide and len(gaps) == 32
    assert set(built.manifest["render_spec"]) == {f"{r.source}/{r.scene_id}" for r in small_tunnel().refs}
    answers = built.manifest["answers"]["phase_variation/test"]
    assert answers["T2"]["yes_no"]["answer"] == {"Yes": 32} and answers["T1"]["yes_no"]["answer"] == {"No": 32}
    card = (built.folder / "README.md").read_text()
    assert "{{" not in card and "{%" not in card
    assert "right everywhere outside size_variation" in card
    assert "in most scenes the farther object looks larger" in card
    assert "cast no shadow" not in card  # that is so of Cycles pictures alone
    assert "|---|--:|---|\n| `phase_variation` | 128 |" in card and "| depth_far | 5.0 |" in card


def test_a_killed_build_resumes_at_the_image(built: BuildResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    render, drawn = RaycastRenderer.render, []

    def counted(self, scene, cell):
        if len(drawn) == 40 and not stopped:
            stopped.append(True)
            raise KeyboardInterrupt
        drawn.append(cell)
        return render(self, scene, cell)

    stopped: list[bool] = []
    monkeypatch.setattr(RaycastRenderer, "render", counted)
    with pytest.raises(KeyboardInterrupt):
        build_folder(small_tunnel(), tmp_path / "t", progress=False)
    assert not (tmp_path / "t/manifest.json").exists()
    result = build_folder(small_tunnel(), tmp_path / "t", progress=False)
    pictures_wanted = 32 + 22 + 8 + 8 + 32
    assert stopped and len(drawn) == pictures_wanted
    assert result.manifest == built.manifest
    assert not list((tmp_path / "t/.build/scratch").rglob("*.png"))


def test_a_finished_build_is_taken_up_and_a_changed_one_is_not(built: BuildResult):
    again = build_folder(small_tunnel(), built.folder, progress=False)
    assert again.reused == len(small_tunnel().refs) and again.manifest == built.manifest
    spec = small_tunnel().part_spec(small_tunnel().refs[0])
    for changed in (small_tunnel(seed=1), small_tunnel(tunnel=replace(SMALL, depth_far=5.5)),
                    small_tunnel(renderer="cycles")):
        assert changed.part_spec(changed.refs[0]) != spec
    samples = [small_tunnel(renderer="cycles", look=replace(SpatialTunnel().config.look, samples=n)) for n in (4, 8)]
    assert samples[0].part_spec(samples[0].refs[0]) != samples[1].part_spec(samples[1].refs[0])


def test_another_renderer_changes_nothing_but_pictures(built: BuildResult, tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch):
    class Grey:
        def render(self, scene, cell):
            return encode(np.full((64, 64, 3), 128, np.uint8))

    monkeypatch.setattr(pictures, "make_renderer", lambda *_: Grey())
    other = build_folder(small_tunnel(renderer="cycles"), tmp_path / "grey", progress=False)
    for config in CONFIG_NAMES:
        assert columns(other.folder, config) == columns(built.folder, config)
    assert other.manifest["render_spec"] != built.manifest["render_spec"]


def test_streaming_gives_the_rows_of_the_folder(built: BuildResult):
    for config in ("horizontal_control", "contrastive_probing"):
        builder = small_tunnel(config_name=config)
        streamed = [{k: v for k, v in row.items() if k != "image"}
                    for row in builder.as_streaming_dataset(split="test")]
        assert streamed == columns(built.folder, config)


def test_objects_of_rolled_pictures_are_where_the_boxes_say(built: BuildResult):
    """The nearer object's box is the only place where a rolled picture of the cell differs between its positions."""
    table = pq.read_table(built.folder / "roll_control/test-00000-of-00001.parquet").to_pylist()
    by_cell = {(row["scene_id"], *row["cell"]): row for row in table}
    for (scene_id, far, near), row in by_cell.items():
        other = by_cell[scene_id, far, (near + 8) % 16]
        first, second = (np.asarray(Image.open(io.BytesIO(r["image"]["bytes"]))).astype(int) for r in (row, other))
        ys, xs = np.nonzero(np.abs(first - second).max(axis=-1) > 8)
        boxes = np.array([row["bbox_near"], other["bbox_near"]])
        assert xs.min() >= boxes[:, 0].min() - 1 and xs.max() <= boxes[:, 2].max() + 1
        assert ys.min() >= boxes[:, 1].min() - 1 and ys.max() <= boxes[:, 3].max() + 1


def test_rolling_four_times_gives_the_box_back():
    box = (10.0, 20.0, 30.0, 45.0)
    turned = box
    for _ in range(4):
        turned = rolled(turned, 64)
    assert turned == box and rolled(box, 64) == (20.0, 33.0, 45.0, 53.0)


def test_the_tsv_is_read_back_by_pandas(built: BuildResult, tmp_path: Path):
    assert write_tsv(built.folder, "phase_variation", tmp_path / "p.tsv") == ROWS["phase_variation"]
    read = pandas.read_csv(tmp_path / "p.tsv", sep="\t", keep_default_na=False, quoting=csv.QUOTE_NONE)
    assert list(read.columns) == ["index", "image", "question", "answer"]
    table = pq.read_table(built.folder / "phase_variation/test-00000-of-00001.parquet")
    for name in ("index", "question", "answer"):
        assert read[name].tolist() == table[name].to_pylist()
    pictures_read = [base64.b64decode(text) for text in read["image"]]
    assert pictures_read == [picture["bytes"] for picture in table["image"].to_pylist()]
    assert Image.open(io.BytesIO(pictures_read[0])).format == "PNG"


@pytest.mark.parametrize("changes, says", [
    ({"renderer": "povray"}, "cycles, raycast"),
    ({"cell_step": 3}, "1, 2 or 4"),
    ({"probing_per_category": 30}, "multiple of 4"),
    ({"size_to": 0.5}, "size_from < size_to < size_sum"),
    ({"size_sum": 2.5, "size_to": 1.2}, "does not fit"),
    ({"only": "colour_variation"}, "choose one of"),
])
def test_settings_out_of_range_are_refused(changes: dict, says: str):
    with pytest.raises(InputError, match=says):
        small_tunnel(**changes)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["spatial_tunnel", *map(str, arguments)])


def test_the_command_builds_one_config_alone_with_any_parameter(tmp_path: Path):
    done = run("--out", tmp_path / "t", "--renderer", "raycast", "--scenes", 1, "--config", "horizontal_control",
               "--set", "resolution=48", "--set", "depth_far=6", "--set", "sun_color=1,1,1", "--set", "samples=4")
    assert done.exit_code == 0, done.output
    manifest = json.loads((tmp_path / "t/manifest.json").read_text())
    assert manifest["rows"] == {"horizontal_control/test": 16} and manifest["settings"]["tunnel"]["depth_far"] == 6
    assert len(list((tmp_path / "t/.build/parts").iterdir())) == 1
    card = (tmp_path / "t/README.md").read_text()
    assert "right everywhere; the tags" in card and "neither object is the larger one more often" in card
    assert "horizontal_control/test: 16 rows" in done.output and "keyframes" not in done.output


@pytest.mark.parametrize("more, says", [
    (["--source", "scannet=x"], "--source does not apply to spatial_tunnel"),
    (["--set", "depth=3"], "depth_far"),
    (["--set", "sun_color=1,1"], "expected a value like 1.0,"),
    (["--config", "default"], "phase_variation"),
])
def test_wrong_arguments_say_what_to_do(tmp_path: Path, more: list[str], says: str):
    done = run("--out", tmp_path / "t", "--renderer", "raycast", *more)
    assert isinstance(done.exception, InputError) and says in str(done.exception)
