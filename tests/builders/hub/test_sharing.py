"""One build on several machines: nobody's part is lost or made twice, and the folder is that of one machine."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from itertools import chain
from pathlib import Path

import pytest

from builders.errors import InputError
from builders.hub import making
from builders.hub.build_command import note_command
from builders.hub.build_log import events
from builders.hub.disk import DiskWatch
from builders.hub.folder import build_folder, build_shard, merge_folder
from builders.hub.lock import only_writer
from builders.hub.manifest import read_manifest
from builders.hub.parts import PartOutcome
from builders.hub.sharding import Shard, shard_of
from builders.hub.status import as_lines, read_status
from builders.hub.worker import RunSettings
from tests.builders.hub.crashing import crashing_tunnel

ROOT = Path(__file__).parents[3]
SCENES = [ref.scene_id for ref in crashing_tunnel().refs]


def digests(folder):
    files = [*folder.glob("*/*.parquet"), folder / "manifest.json", folder / "README.md"]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    build_folder(crashing_tunnel(), out, progress=False)
    return out


@pytest.mark.parametrize("index, count, environment, wanted", [
    (None, None, {}, None),
    (2, 8, {"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_COUNT": "6"}, Shard(2, 8)),
    (None, None, {"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_COUNT": "6"}, Shard(5, 6)),
    (None, 64, {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "2"}, Shard(7, 64)),
    (None, None, {"JOB_COMPLETION_INDEX": "0", "VANTAGE_NUM_SHARDS": "3"}, Shard(0, 3)),
    (None, 1, {"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_COUNT": "6"}, None),
    (None, None, {"VANTAGE_NUM_SHARDS": "3"}, None),
    (None, None, {"JOB_COMPLETION_INDEX": "0"}, "set VANTAGE_NUM_SHARDS"),
    (None, None, {"SLURM_ARRAY_TASK_ID": "6", "SLURM_ARRAY_TASK_COUNT": "6"}, "expected 0 to 5; number arrays from 0"),
    (None, None, {"JOB_COMPLETION_INDEX": "one", "VANTAGE_NUM_SHARDS": "3"}, "expected a whole number"),
    (None, 4, {}, "also give --shard-index, from 0 to 3"),
    (4, 4, {}, "expected 0 to 3"),
    (1, None, {}, "also give --num-shards"),
])
def test_the_shard_comes_from_options_or_from_the_scheduler(index, count, environment, wanted):
    if isinstance(wanted, str):
        with pytest.raises(InputError, match=wanted):
            shard_of(index, count, environment)
    else:
        assert shard_of(index, count, environment) == wanted


def test_shards_share_all_scenes_among_them():
    shards = [Shard(i, 3).of(range(10)) for i in range(3)]
    assert sorted(chain(*shards)) == list(range(10)) and max(map(len, shards)) == 4


def test_merged_shards_are_the_folder_of_one_machine(whole, tmp_path):
    out = tmp_path / "out"
    build_shard(crashing_tunnel(), out, Shard(1, 2), progress=False)
    assert not (out / "manifest.json").exists()
    with pytest.raises(InputError, match=rf"2 of 4 scenes have no part .* such as size_variation/{SCENES[0]}"):
        merge_folder(crashing_tunnel(), out, progress=False)
    outcomes = build_shard(crashing_tunnel(), out, Shard(0, 2), progress=False)
    assert [outcome.ref.scene_id for outcome in outcomes] == SCENES[::2]
    merge_folder(crashing_tunnel(), out, progress=False)
    assert digests(out) == digests(whole)


def test_a_merge_whose_processes_die_says_so_and_keeps_the_parts(whole, tmp_path, monkeypatch):
    monkeypatch.setattr("builders.hub.folder._WORTH_PROCESSES", 0)
    for index in range(2):
        build_shard(crashing_tunnel(), tmp_path / "out", Shard(index, 2), progress=False)
    merge = partial(merge_folder, crashing_tunnel(), tmp_path / "out", workers=2, progress=False)
    with pytest.raises(OSError, match=r"size_variation/test: its shards could not be written: took .* of memory"):
        merge(settings=RunSettings(gigabytes=0.01, tries=1))
    assert not (tmp_path / "out/manifest.json").exists() and not (tmp_path / "out/.build/staging").exists()
    merge()
    assert digests(tmp_path / "out") == digests(whole)


def test_parts_of_other_settings_are_not_merged(tmp_path):
    for index in range(2):
        build_shard(crashing_tunnel(), tmp_path / "out", Shard(index, 2), progress=False)
    other = crashing_tunnel()
    other.config.seed += 1
    with pytest.raises(InputError, match="4 of 4 scenes have no part with these settings"):
        merge_folder(other, tmp_path / "out", progress=False)


def test_quarantined_scenes_of_all_shards_are_merged_and_join_when_mended(whole, tmp_path):
    out = tmp_path / "out"
    for index in range(2):
        build_shard(crashing_tunnel(bad=SCENES[1]), out, Shard(index, 2), progress=False)
    manifest = merge_folder(crashing_tunnel(bad=SCENES[1]), out, progress=False).manifest
    assert [(q["scene_id"], q["reason"]) for q in manifest["quarantined"]] == [(SCENES[1], "is a bad scene")]
    assert len(manifest["scenes"]) == 3
    (outcome,) = [o for o in build_shard(crashing_tunnel(), out, Shard(1, 2), progress=False) if not o.reused]
    assert outcome.ref.scene_id == SCENES[1]
    merge_folder(crashing_tunnel(), out, progress=False)
    assert digests(out) == digests(whole)


def test_a_scene_that_crashes_its_process_is_quarantined_and_the_rest_is_built(whole, tmp_path):
    builder = crashing_tunnel(crash=SCENES[2])
    result = build_folder(builder, tmp_path / "out", workers=2, progress=False, settings=RunSettings(tries=2))
    (quarantined,) = result.manifest["quarantined"]
    assert quarantined["scene_id"] == SCENES[2]
    assert quarantined["reason"] == "its worker process died (SIGSEGV) (tried 2 times)"
    assert [scene["scene_id"] for scene in result.manifest["scenes"]] == [s for s in SCENES if s != SCENES[2]]
    said = [event.get("text", "") for event in events(tmp_path / "out" / ".build" / "log.jsonl")]
    assert sum("died (SIGSEGV) (try " in text for text in said) == 2
    assert any(f"quarantined: size_variation/{SCENES[2]}: its worker" in line
               for line in as_lines(tmp_path / "out", read_status(tmp_path / "out")))
    assert build_folder(crashing_tunnel(), tmp_path / "out", progress=False).reused == 3
    assert digests(tmp_path / "out") == digests(whole)


def test_scenes_that_hang_or_eat_memory_are_quarantined_for_that_reason_and_the_rest_is_built(whole, tmp_path):
    builder = crashing_tunnel(hang=SCENES[0], greedy=SCENES[1])
    settings = RunSettings(tries=1, seconds=20, gigabytes=1)
    result = build_folder(builder, tmp_path / "out", workers=2, progress=False, settings=settings)
    hanging, greedy = result.manifest["quarantined"]
    assert (hanging["scene_id"], hanging["reason"]) == (SCENES[0], "was not done after 20 seconds")
    assert greedy["scene_id"] == SCENES[1]
    assert re.fullmatch(r"took 1\.\d GB of memory, the limit is 1", greedy["reason"])
    assert [scene["scene_id"] for scene in result.manifest["scenes"]] == SCENES[2:]
    assert build_folder(crashing_tunnel(), tmp_path / "out", progress=False).reused == 2
    assert digests(tmp_path / "out") == digests(whole)


def test_shards_run_beside_each_other_but_not_beside_a_merge_or_themselves(tmp_path):
    out = tmp_path / "out"
    (out / ".build").mkdir(parents=True)
    with only_writer(out, Shard(0, 2)), only_writer(out, Shard(1, 2)):
        for another in (None, Shard(1, 2)):
            with pytest.raises(InputError, match="another build is writing there"), only_writer(out, another):
                pass
    with only_writer(out), pytest.raises(InputError, match="another build"), only_writer(out, Shard(0, 2)):
        pass


def test_a_shard_sweeps_what_it_left_itself_and_nothing_of_others(tmp_path):
    out, refs = tmp_path / "out", crashing_tunnel().refs
    left = [out / ".build" / "parts" / ref.name / ".rows.parquet.1.tmp" for ref in refs]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_text("half")
    with only_writer(out, Shard(1, 2), refs[1::2]):
        assert [path.exists() for path in left] == [True, False, True, False]


def test_the_word_of_an_engine_is_not_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "ensure_part",
                        lambda builder, parts, ref: PartOutcome(ref, 10, False, None, spec="0" * 64))
    with pytest.raises(OSError, match=rf"{SCENES[0]}: was reported done, but is not there; .* shared file system"):
        build_folder(crashing_tunnel(), tmp_path / "out", progress=False)


def test_status_goes_by_the_files(whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / "out")
    status = read_status(out)
    assert (status.done, status.parts, status.left, status.quarantined) == (4, 4, 0, {})
    assert 50 < status.driver_mb < 5000
    assert f"  memory: driver {status.driver_mb:.0f} MB at most" in "\n".join(as_lines(out, status))
    assert status.rows == read_manifest(out)["questions"] and {"choosing", "shards", "manifest"} <= set(status.stages)
    (out / ".build" / "parts" / "size_variation" / SCENES[3] / "images.parquet").unlink()
    status = read_status(out)
    assert (status.done, status.left, status.lost) == (3, 1, [f"size_variation/{SCENES[3]}"])
    with pytest.raises(InputError, match="no build has begun there"):
        read_status(tmp_path)


def test_a_running_build_tells_its_rate(whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / "out")
    log = out / ".build" / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines() if line]
    kept = [event for event in lines if event["event"] in ("start", "part")][:3]  # two parts made
    now = os.stat(log).st_mtime
    for event, moment in zip(kept, (now - 10, now - 5, now)):
        event["time"] = moment
    log.write_text("\n".join(map(json.dumps, kept)) + '\n{"time": 17953')
    status = read_status(out)
    assert status.rate == pytest.approx(0.2) and status.left == 2
    assert any("12.0 parts a minute; about 10 s left" in line for line in as_lines(out, status))


def test_a_build_stops_before_the_disk_is_full_and_goes_on_when_there_is_room(whole, tmp_path):
    out = tmp_path / "out"
    build_shard(crashing_tunnel(), out, Shard(0, 2), progress=False)
    with pytest.raises(OSError, match=r"GB free on its disk, and 1e\+09 GB are to stay free \(--reserve-gb\)"):
        build_folder(crashing_tunnel(), out, progress=False, settings=RunSettings(reserve_gb=1e9))
    assert build_folder(crashing_tunnel(), out, progress=False).reused == 2
    assert digests(out) == digests(whole)


def test_space_is_estimated_from_the_first_parts(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    watch = DiskWatch(tmp_path, 1000, 0)
    lines = [watch.add(2_000_000) for _ in range(8)]
    assert lines[:-1] == [""] * 7
    assert lines[-1].startswith("disk: a part takes 2.00 MB, 992 more 2.0 GB, shards at least 2.0 GB; ")
    watch = DiskWatch(tmp_path, 1000, 0)
    assert [watch.add(free // 1000) for _ in range(8)][-1].endswith("THIS WILL NOT BE ENOUGH")


def test_shards_must_be_given_the_same_options(tmp_path):
    command = {"dataset": "spar_7m", "options": {"seed": 0, "sources": ("a",)}}
    note_command(tmp_path, command, joins=True)
    note_command(tmp_path, command, joins=True)
    with pytest.raises(InputError, match=r"begun with options = .*'seed': 0.* this one has .*'seed': 1"):
        note_command(tmp_path, command | {"options": {"seed": 1, "sources": ("a",)}}, joins=True)
    note_command(tmp_path, command | {"dataset": "spar_bench"}, joins=False)


def test_an_array_job_and_a_merge_on_the_command_line(tmp_path):
    out = tmp_path / "out"

    def run(*arguments, **environment):
        command = [sys.executable, str(ROOT / "scripts" / "build.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)

    build = ("spatial_tunnel", "--out", out, "--config", "size_variation", "--renderer", "raycast", "--scenes", 2,
             "--set", "resolution=32", "--set", "size_steps=2")
    for index in "01":
        ended = run(*build, SLURM_ARRAY_TASK_ID=index, SLURM_ARRAY_TASK_COUNT="2")
        assert ended.returncode == 0, ended.stderr
        assert f"shard {index} of 2: 1 of 1 parts" in ended.stdout and f"build.py merge {out}" in ended.stdout
    assert "shards: 2 of 2 have begun" in run("status", out).stdout
    merged = run("merge", out)
    assert merged.returncode == 0, merged.stderr
    assert list(read_manifest(out)["rows"]) == ["size_variation/test"]
    again = run(*build, "--seed", 1, SLURM_ARRAY_TASK_ID="0", SLURM_ARRAY_TASK_COUNT="2")
    assert again.returncode == 2 and "other shards were begun with" in again.stderr
