"""scripts/push.py as a maintainer runs it, in a process of its own, against a Hub on the loopback interface."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from builders.errors import InputError
from builders.hub.spaces import metric_folders, plan_space
from tests.builders.hub.published import tunnel, version_shown
from tests.hub_server.faults import Fault

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return tunnel(tmp_path_factory.mktemp("tunnel") / "out", patch)


def run(hub, home, script, *arguments, **more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    own = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": hub.token,
           "HF_HUB_DISABLE_TELEMETRY": "1", "HF_DEBUG": "1"}
    command = [sys.executable, *([str(ROOT / "scripts" / script)] if script else ["-c"]), *map(str, arguments)]
    home.mkdir(exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, env=clean | own | more, cwd=home)
    assert hub.token not in done.stdout + done.stderr and "Traceback" not in done.stderr
    return done


def writes(hub):
    return [request for request in hub.log if request.method not in ("GET", "HEAD")]


def test_a_dry_run_says_what_the_push_then_does(hub, folder, tmp_path):
    dry = run(hub, tmp_path, "push.py", folder, "--repo", "org/tunnel", "--dry-run")
    assert dry.returncode == 0 and writes(hub) == [], dry.stderr
    assert "make the repository" in dry.stdout and "set the tag v0.1.0" in dry.stdout
    done = run(hub, tmp_path, "push.py", folder, "--repo", "org/tunnel")
    assert done.returncode == 0 and "checksums: 100%" in done.stderr and "Upload 7 LFS files: 100%" in done.stderr
    held = hub.repo("datasets", "org/tunnel")
    assert version_shown(held, "v0.1.0") == "0.1.0"
    planned = {line.split()[1] for line in dry.stdout.splitlines() if line.startswith("  write ")}
    assert planned == set(held.at("v0.1.0").files) - {".gitattributes"}
    checked = run(hub, tmp_path, "verify.py", "org/tunnel@v0.1.0")
    assert checked.returncode == 0 and "0 findings" in checked.stdout, checked.stderr


def test_how_a_push_ends(hub, folder, tmp_path):
    """Exit codes, and one line on stderr; the token is in none of them."""
    stranger = run(hub, tmp_path, "push.py", folder, "--repo", "org/tunnel", HF_TOKEN="")
    assert stranger.returncode == 2 and "log in with 'hf auth login' or set HF_TOKEN" in stranger.stderr
    hub.arm(Fault("drop", first=3))
    failed = run(hub, tmp_path, "push.py", folder, "--repo", "org/tunnel")
    assert failed.returncode == 1 and "run the same command again" in failed.stderr.splitlines()[-1]
    hub.arm(None)
    assert run(hub, tmp_path, "push.py", tmp_path / "none", "--repo", "org/tunnel").returncode == 2
    wrong = run(hub, tmp_path, "push.py", folder, "--repo", "a/b/c")
    assert wrong.returncode == 2 and "a/b/c: not a repository's name" in wrong.stderr
    bare = run(hub, tmp_path, "push.py", folder, "--repo", "tunnel")
    assert bare.returncode == 2 and "--repo tunnel: expected ORG/NAME" in bare.stderr
    absent = run(hub, tmp_path, "verify.py", "org/none@v9")
    assert absent.returncode == 2 and "org/none: downloading v9: no such dataset or revision" in absent.stderr


def test_a_pushed_metric_is_loaded_by_evaluate_and_scores(hub, tmp_path):
    done = run(hub, tmp_path, "push.py", ROOT / "metrics" / "mra", "--repo", "org/mra", "--metrics")
    assert done.returncode == 0, done.stderr
    held = hub.repo("spaces", "org/mra").at("main").files
    assert {path: blob.data for path, blob in held.items() if path != ".gitattributes"} == {
        path.name: path.read_bytes() for path in (ROOT / "metrics" / "mra").iterdir() if path.is_file()}
    code = ("import evaluate; mra = evaluate.load('org/mra'); "
            "print(mra.compute(predictions=['2.1'], references=[1.5])['mra'])")
    scored = run(hub, tmp_path / "reader", "", code)
    assert scored.stdout.split() == ["0.3"], scored.stderr
    before = len(writes(hub))
    again = run(hub, tmp_path, "push.py", ROOT / "metrics" / "mra", "--repo", "org/mra", "--metrics")
    assert "org/mra: nothing to do" in again.stdout and len(writes(hub)) == before


def test_all_metrics_are_pushed_a_space_each_and_load_from_their_snapshots(hub, tmp_path):
    names = {path.parent.name for path in (ROOT / "metrics").glob("*/app.py")}
    done = run(hub, tmp_path, "push.py", ROOT / "metrics", "--repo", "org", "--metrics", "--dry-run")
    assert done.returncode == 0 and writes(hub) == [], done.stderr
    assert {line.removesuffix(": Space") for line in done.stdout.splitlines() if line.endswith(": Space")} == {
        f"org/{name}" for name in names}
    done = run(hub, tmp_path, "push.py", ROOT / "metrics", "--repo", "org", "--metrics")
    assert done.returncode == 0 and {name for _, name in hub.repos} == {f"org/{name}" for name in names}, done.stderr
    for name in names:
        held = hub.repo("spaces", f"org/{name}").at("main").files
        assert {path for path in held if path != ".gitattributes"} == {
            path.relative_to(ROOT / "metrics" / name).as_posix() for path in (ROOT / "metrics" / name).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}
    code = ("import sys, evaluate; from huggingface_hub import snapshot_download as get\n"
            "for name in sys.argv[1:]:\n"
            "    folder = get(f'org/{name}', repo_type='space', local_dir=name)\n"
            "    assert evaluate.load(folder).features\n"
            "    print(name)")
    loaded = run(hub, tmp_path / "reader", "", code, *sorted(names))
    assert loaded.stdout.split() == sorted(names), loaded.stderr


def test_metrics_that_cannot_stand_alone_are_refused(tmp_path):
    class Repo:
        name = "org/mra"

    folder = shutil.copytree(ROOT / "metrics" / "mra", tmp_path / "mra")
    (folder / "_core.py").write_text("from metrics._shared import numbers\n")
    with pytest.raises(InputError, match=r"_core\.py: imports what is outside its folder"):
        plan_space(folder, Repo())
    Repo.name = "org/relative"
    with pytest.raises(InputError, match=r"looks for relative\.py; call the repository mra"):
        plan_space(folder, Repo())
    with pytest.raises(InputError, match="neither a metric"):
        metric_folders(tmp_path / "mra" / "nothing")
