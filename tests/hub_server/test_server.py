"""The loopback Hub as the real client sees it: what other tests rely on is checked here."""

import hashlib

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import get_session

from tests.hub_server.faults import Fault

REPO = {"repo_id": "org/rows", "repo_type": "dataset"}
DATA = bytes(range(256)) * 40


@pytest.fixture
def api(hub):
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    api.create_repo(**REPO)
    return api


def commit(api, files, message="files", **options):
    operations = [CommitOperationAdd(name, data) if data else CommitOperationDelete(name)
                  for name, data in files.items()]
    return api.create_commit(**REPO, operations=operations, commit_message=message, **options)


def test_files_come_back_as_they_were_committed_at_every_revision(hub, api):
    first = commit(api, {"a/x.parquet": DATA, "a/b/note.md": b"one"})
    api.create_tag(**REPO, tag="v1", revision=first.oid)
    second = commit(api, {"a/x.parquet": b"", "a/b/note.md": b"two"}, parent_commit=first.oid)
    assert api.list_repo_files(**REPO, revision="v1") == [".gitattributes", "a/b/note.md", "a/x.parquet"]
    assert api.list_repo_files(**REPO) == [".gitattributes", "a/b/note.md"]
    (file,) = api.get_paths_info(**REPO, paths=["a/x.parquet"], revision="v1")
    assert (file.lfs.sha256, file.size) == (hashlib.sha256(DATA).hexdigest(), len(DATA))
    assert [c.commit_id for c in api.list_repo_commits(**REPO)][:2] == [second.oid, first.oid]
    refs = api.list_repo_refs(**REPO)
    assert [(t.name, t.target_commit) for t in refs.tags] == [("v1", first.oid)]
    files = HfFileSystem(endpoint=hub.endpoint, token=hub.token, skip_instance_cache=True)
    with files.open("datasets/org/rows@v1/a/x.parquet", block_size=64) as file:
        file.seek(5000)
        assert file.read(100) == DATA[5000:5100]
    assert files.read_text("datasets/org/rows/a/b/note.md") == "two"


def test_a_tree_of_many_pages_is_listed_whole(hub, api):
    hub.page = 3
    names = {f"folder/{n}.md": b"text" for n in range(8)}
    commit(api, names)
    assert set(api.list_repo_files(**REPO)) == {*names, ".gitattributes"}


def test_a_stale_parent_an_existing_tag_and_unknown_names_are_refused(api):
    head = api.repo_info(**REPO).sha
    commit(api, {"x.md": b"one"})
    with pytest.raises(HfHubHTTPError) as stale:
        commit(api, {"x.md": b"two"}, parent_commit=head)
    assert stale.value.response.status_code == 412
    api.create_tag(**REPO, tag="v1")
    with pytest.raises(HfHubHTTPError) as twice:
        api.create_tag(**REPO, tag="v1")
    assert twice.value.response.status_code == 409
    with pytest.raises(RevisionNotFoundError):
        api.repo_info(**REPO, revision="v2")
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("org/none", repo_type="dataset")


def test_a_private_repository_needs_the_token(hub, api):
    api.create_repo("org/mine", repo_type="dataset", private=True)
    assert api.repo_info("org/mine", repo_type="dataset").private
    stranger = HfApi(endpoint=hub.endpoint, token=False)
    with pytest.raises(RepositoryNotFoundError):
        stranger.repo_info("org/mine", repo_type="dataset")
    with pytest.raises(HfHubHTTPError) as refused:
        stranger.create_tag(**REPO, tag="v9")
    assert refused.value.response.status_code == 401


def test_a_stored_object_is_not_uploaded_twice(hub, api):
    commit(api, {"x.parquet": DATA})
    assert hub.uploaded_bytes == len(DATA)
    commit(api, {"y.parquet": DATA})
    assert hub.uploaded_bytes == len(DATA)


@pytest.mark.parametrize("kind, status", [("refuse", 403), ("error", 500), ("conflict", 412)])
def test_a_fault_hits_the_request_it_names_alone(hub, api, kind, status):
    hub.arm(Fault(kind, first=2, count=1))
    address = f"{hub.endpoint}/api/datasets/org/rows"
    assert [get_session().get(address).status_code for _ in range(3)] == [200, status, 200]


def test_a_dropped_request_is_not_carried_out_and_a_lost_one_is(hub, api):
    for kind, held in (("drop", set()), ("lost", {"lost"})):
        hub.arm(Fault(kind, first=1, count=1))
        with pytest.raises(httpx2.RemoteProtocolError):
            api.create_tag(**REPO, tag=kind)
        assert set(hub.repo("datasets", "org/rows").tags) == held


def test_a_corrupt_upload_is_noticed_before_anything_is_committed(hub, api):
    head = api.repo_info(**REPO).sha
    hub.arm(Fault("corrupt", first=1))
    with pytest.raises(RuntimeError, match=r"Error while uploading 'x\.parquet'"):
        commit(api, {"x.parquet": DATA})
    hub.arm(None)
    assert api.repo_info(**REPO).sha == head


def test_a_stalled_request_ends_when_the_client_gives_up(hub, api):
    hub.arm(Fault("stall", first=1))
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(f"{hub.endpoint}/api/datasets/org/rows", timeout=0.2)
