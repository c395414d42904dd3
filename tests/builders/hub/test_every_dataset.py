"""Each dataset: built, pushed, and loaded back by its tag with fresh caches, equal to the folder row by row."""

import pytest
from huggingface_hub import HfApi

from builders import BUILDERS
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest
from builders.hub.publish import carry_out, plan_push, tag_of
from builders.hub.repository import HubRepo
from builders.spar.limits import Limits
from builders.spar.spar_7m import Spar7M
from builders.spar.spar_bench import SparBench
from builders.tagged.cv_bench_tagged import CVBenchTagged
from builders.tagged.embspatial_tagged import EmbSpatialTagged
from tests.builders.hub.published import tunnel
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
        EmbSpatialTagged(sources=(f"file={root / 'embspatial.parquet'}",)),
        CVBenchTagged(sources=(f"file={root / 'cv.parquet'}",)),
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
    for job, rows, again in zip(jobs, loaded, wanted):
        assert rows == again, job
    assert loaded == wanted * 2
