"""Publishing, with the real client against a Hub of our own: versions whole, pinned, never moved."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import datasets
import pytest
from huggingface_hub import HfApi

from builders.errors import InputError
from builders.hub.publish import carry_out, plan_push
from builders.hub.repository import HubRepo
from tests.builders.hub.published import SPLITS, lighter, tunnel, version_shown
from tests.hub_server.read_back import folder_digests, read_back
from tests.hub_server.repos import Blob, HubError

NAME = "org/tunnel"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Versions 0.1.0 and 0.2.0, which has more rows."""
    root = tmp_path_factory.mktemp("folders")
    with pytest.MonkeyPatch.context() as patch:
        return {"0.1.0": tunnel(root / "old", patch), "0.2.0": tunnel(root / "new", patch, "0.2.0", size_scenes=4)}


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Somebody else's 0.2.0."""
    with pytest.MonkeyPatch.context() as patch:
        return tunnel(tmp_path_factory.mktemp("others") / "out", patch, "0.2.0", size_scenes=4, size_sum=0.42)


@pytest.fixture
def repo(hub):
    return HubRepo(NAME, HfApi(endpoint=hub.endpoint, token=hub.token))


def push(folder, repo, **options):
    return carry_out(plan_push(folder, repo), **options)


def held(hub, name=NAME):
    return hub.repo("datasets", name)


def test_two_versions_stand_side_by_side_and_load_as_they_were_built(hub, repo, folders, tmp_path):
    for folder in folders.values():
        push(folder, repo)
    assert [version_shown(held(hub), name) for name in ("v0.1.0", "v0.2.0", "main")] == ["0.1.0", "0.2.0", "0.2.0"]
    versions = {"v0.1.0": folders["0.1.0"], "v0.2.0": folders["0.2.0"], None: folders["0.2.0"]}
    jobs = [(NAME, revision, split, False) for revision in versions for split in SPLITS]
    wanted = [folder_digests(versions[revision], split) for _, revision, split, _ in jobs]
    assert wanted[0] != wanted[2]
    streamed = [(name, revision, split, True) for name, revision, split, _ in jobs]
    assert read_back(hub.endpoint, tmp_path / "reader", jobs + streamed) == wanted * 2


def test_a_version_loads_again_without_the_hub(hub, repo, folders, tmp_path):
    push(folders["0.1.0"], repo)
    jobs = [(NAME, "v0.1.0", split, False) for split in SPLITS]
    wanted = [folder_digests(folders["0.1.0"], split) for split in SPLITS]
    assert read_back(hub.endpoint, tmp_path / "reader", jobs) == wanted
    before = len(hub.log)
    assert read_back(hub.endpoint, tmp_path / "reader", jobs, HF_HUB_OFFLINE="1") == wanted
    assert len(hub.log) == before


def test_two_versions_are_at_hand_without_the_hub(hub, repo, folders, tmp_path):
    """``load_dataset`` offline takes what its cache has seen last; downloaded snapshots stay apart."""
    for folder in folders.values():
        push(folder, repo)
    online = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}
    offline = online | {"HF_HUB_OFFLINE": "1"}
    for environment in (online, offline):
        code = ("from datasets import load_dataset; from huggingface_hub import snapshot_download as get\n"
                "for tag in ('v0.1.0', 'v0.2.0'):\n"
                f"    folder = get({NAME!r}, repo_type='dataset', revision=tag)\n"
                "    print(len(load_dataset(folder, 'size_variation', split='test')))")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              env=os.environ | environment | {"HF_DATASETS_CACHE": str(tmp_path / environment[
                                  "HF_HUB_OFFLINE"])})
        assert done.stdout.split() == ["16", "32"], done.stderr


def test_a_second_push_uploads_and_changes_nothing(hub, repo, folders):
    oid = push(folders["0.1.0"], repo)
    before = len(hub.log)
    assert push(folders["0.1.0"], repo) == oid
    assert {request.method for request in hub.log[before:]} == {"GET"}
    push(folders["0.2.0"], repo)
    assert plan_push(folders["0.1.0"], repo).lines()[-1].strip() == "nothing to do: v0.1.0 holds these rows"


def test_the_published_card_names_the_repository_and_the_version(hub, repo, folders):
    push(folders["0.2.0"], repo)
    card = held(hub).at("v0.2.0").files["README.md"].data.decode()
    assert f'load_dataset("{NAME}"' in card and 'revision="v0.2.0"' in card and "PATH_OR_REPO" not in card


def test_a_new_version_removes_the_shards_it_has_no_longer_and_leaves_other_files(hub, repo, folders):
    push(folders["0.1.0"], repo)
    repo.api.upload_file(path_or_fileobj=b"mine", path_in_repo="LICENSE", repo_id=NAME, repo_type="dataset")
    repo.api.upload_file(path_or_fileobj=b"stray", path_in_repo="size_variation/test-extra.parquet", repo_id=NAME,
                         repo_type="dataset")
    push(folders["0.2.0"], repo)
    assert version_shown(held(hub), "main") == "0.2.0"
    assert held(hub).at("main").files["LICENSE"].data == b"mine"


def test_rows_changed_without_a_new_version_are_refused_with_the_difference(hub, repo, folders, tmp_path, monkeypatch):
    push(folders["0.1.0"], repo)
    before = len(hub.log)
    more = tunnel(tmp_path / "more", monkeypatch, size_scenes=4)
    with pytest.raises(InputError, match=r"v0\.1\.0: spatial_tunnel 0\.1\.0 is published with other rows") as refused:
        push(more, repo)
    assert "size_variation/test: 16 rows added" in str(refused.value) and "contrastive" not in str(refused.value)
    longer = tunnel(tmp_path / "longer", monkeypatch, size_sum=0.42)
    with pytest.raises(InputError, match=r"size_variation/test: 16 rows changed \(.*size_near in 16") as refused:
        push(longer, repo)
    assert "question in" not in str(refused.value) and "added" not in str(refused.value)
    assert not [r for r in hub.log[before:] if r.method == "PUT" or "commit/" in r.path or "tag/" in r.path]
    assert version_shown(held(hub), "main") == "0.1.0"


def test_columns_that_changed_are_named(repo, folders, tmp_path, monkeypatch):
    from builders.tunnel import questions, spatial_tunnel

    push(folders["0.1.0"], repo)
    monkeypatch.setattr(spatial_tunnel, "features_of", lambda config: datasets.Features(
        {name: kind for name, kind in questions.features_of(config).items() if name != "cell"}))
    with pytest.raises(InputError, match="size_variation/test: columns removed: cell"):
        push(tunnel(tmp_path / "less", monkeypatch), repo)


def test_pictures_made_again_after_one_spec_are_the_same_version(hub, repo, folders, tmp_path, monkeypatch):
    """A denoiser's pictures differ from run to run; other pictures of equal rows are another version."""
    push(folders["0.1.0"], repo)
    noisy = _with_other_pictures(tmp_path / "noisy", monkeypatch)
    plan = plan_push(noisy, repo)
    assert plan.tagged and not plan.changed and any("which stays as it is" in note for note in plan.notes)
    _rewrite(noisy, lambda manifest: manifest["render_spec"].update(
        {name: "0" * 64 for name in manifest["render_spec"] if name.startswith("size_variation/")}))
    with pytest.raises(InputError, match=r"size_variation/test: 16 rows changed \(pictures in 16\)") as refused:
        plan_push(noisy, repo)
    assert "contrastive_probing" not in str(refused.value)


def _with_other_pictures(out, monkeypatch):
    from builders.tunnel import spatial_tunnel

    draw = spatial_tunnel.pictures
    monkeypatch.setattr(spatial_tunnel, "pictures", lambda *args: [lighter(data) for data in draw(*args)])
    return tunnel(out, monkeypatch)


def _rewrite(folder, change):
    from builders.hub.manifest import read_manifest, write_manifest

    manifest = read_manifest(folder)
    change(manifest)
    write_manifest(folder, manifest)


def test_an_older_version_than_the_visible_one_is_refused(repo, folders):
    push(folders["0.2.0"], repo)
    with pytest.raises(InputError, match=r"main is at 0\.2\.0, and .*old at 0\.1\.0: bump the version"):
        push(folders["0.1.0"], repo)


def test_the_one_refused_is_told_the_difference_when_it_tries_again(hub, repo, folders, others):
    push(folders["0.1.0"], repo)
    first, second = plan_push(folders["0.2.0"], repo), plan_push(others, repo)
    carry_out(first)
    with pytest.raises(OSError, match="somebody else has committed since this push began"):
        carry_out(second)
    with pytest.raises(InputError, match="published with other rows"):
        push(others, repo)
    assert version_shown(held(hub), "main") == version_shown(held(hub), "v0.2.0") == "0.2.0"
    assert held(hub).tags["v0.2.0"] == held(hub).branches["main"]


@pytest.mark.parametrize("onto", ["nothing", "0.1.0"])
@pytest.mark.parametrize("rival", ["another", "the same"])
def test_pushes_that_run_at_the_same_time_end_with_one_version_and_clear_refusals(hub, folders, others, onto, rival):
    """Three threads that have all planned before any of them writes, while a reader looks on."""
    repos = [HubRepo(NAME, HfApi(endpoint=hub.endpoint, token=hub.token)) for _ in range(3)]
    if onto != "nothing":
        push(folders[onto], repos[0])
    mine = folders["0.2.0"]
    all_planned, done, seen = threading.Barrier(3), threading.Event(), set()

    def push_at_once(repo, folder):
        plan = plan_push(folder, repo)
        all_planned.wait(timeout=30)
        try:
            return carry_out(plan)
        except (OSError, InputError) as error:
            return error

    def look():
        while not done.is_set():
            with suppress(HubError):  # no repository yet
                seen.add(version_shown(held(hub), "main"))

    with ThreadPoolExecutor(4) as pool:
        reader = pool.submit(look)
        ends = list(pool.map(push_at_once, repos, [mine, others if rival == "another" else mine, mine]))
        done.set()
        reader.result()
    winners = [end for end in ends if isinstance(end, str)]
    assert winners == [held(hub).branches["main"]] == [held(hub).tags["v0.2.0"]]
    assert all("somebody else has" in str(end) for end in ends if not isinstance(end, str)), ends
    assert version_shown(held(hub), "main") == version_shown(held(hub), "v0.2.0") == "0.2.0"
    assert seen <= {None, "0.1.0", "0.2.0"}
    assert len([commit for commit in held(hub).history("main") if commit.title == "spatial_tunnel 0.2.0"]) == 1


def test_two_pushes_of_the_same_folder_at_once_are_one(hub, repo, folders):
    plans = [plan_push(folders["0.1.0"], repo) for _ in range(2)]
    carry_out(plans[0])
    with pytest.raises(OSError, match="somebody else has made it, and committed, since this push began"):
        carry_out(plans[1])
    before = len(hub.log)
    push(folders["0.1.0"], repo)
    assert {request.method for request in hub.log[before:]} == {"GET"}


def test_a_version_left_untagged_is_tagged_although_main_has_moved_on(hub, repo, folders):
    first = push(folders["0.1.0"], repo)
    del held(hub).tags["v0.1.0"]
    push(folders["0.2.0"], repo)
    assert push(folders["0.1.0"], repo) == first
    assert held(hub).tags["v0.1.0"] == first and version_shown(held(hub), "main") == "0.2.0"


def test_a_repository_with_something_else_is_left_alone(hub, repo, folders, tmp_path):
    repo.api.create_repo(NAME, repo_type="dataset")
    repo.api.upload_file(path_or_fileobj=b"a,b", path_in_repo="rows.csv", repo_id=NAME, repo_type="dataset")
    with pytest.raises(InputError, match=r"holds rows\.csv, which is no part of a Vantage dataset"):
        push(folders["0.1.0"], repo)


def test_a_private_repository_stays_private_and_asks_for_consent(hub, repo, folders):
    consent = {"extra_gated_prompt": "Only for research."}
    carry_out(plan_push(folders["0.1.0"], repo, consent), private=True, gated=True)
    assert held(hub).private and held(hub).gated == "auto"
    order = [request.path.rsplit("/", 2)[-2:] for request in hub.log if request.method in ("PUT", "POST")]
    assert order.index(["tunnel", "settings"]) < order.index(["commit", "main"])  # never readable without consent
    card = held(hub).at("v0.1.0").files["README.md"].data.decode()
    assert "extra_gated_prompt: Only for research." in card.split("---")[1]
    assert version_shown(held(hub), "v0.1.0") == "0.1.0"
    held(hub).gated = "manual"
    carry_out(plan_push(folders["0.1.0"], repo, consent), gated=True)
    assert held(hub).gated == "manual"
    push(folders["0.2.0"], repo)  # says nothing of consent: what readers are asked stays
    card = held(hub).at("v0.2.0").files["README.md"].data.decode()
    assert "extra_gated_prompt: Only for research." in card.split("---")[1]
    held(hub).at("main").files["README.md"] = Blob(b"---\n: [\n---\n")  # as somebody has left it, without the client
    push(folders["0.2.0"], repo)
