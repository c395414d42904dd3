"""A push may fail at any request: readers see whole versions, and the next push finishes."""

from contextlib import contextmanager

import pytest
from huggingface_hub import HfApi, set_client_factory
from huggingface_hub.utils._http import default_client_factory

from builders.errors import InputError
from builders.hub.publish import carry_out, plan_push
from builders.hub.repository import HubRepo, give_up_after
from tests.builders.hub.published import tunnel, version_shown
from tests.hub_server.faults import KINDS, Fault
from tests.hub_server.repos import HubError

NAME = "org/tunnel"
PUSH_REQUESTS = 20
"""Of a clean push of 0.2.0 onto 0.1.0 with two other shards, and two other pictures on the card; asserted below, so
that no request escapes the faults."""
FIRST_PUSH_REQUESTS = 23


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    with pytest.MonkeyPatch.context() as patch:
        return {"0.1.0": tunnel(root / "old", patch), "0.2.0": tunnel(root / "new", patch, "0.2.0", seed=1)}


@contextmanager
def patience(seconds):
    """How long this process's client waits for an answer."""
    give_up_after(seconds)
    try:
        yield
    finally:
        set_client_factory(default_client_factory)


def push(folder, hub):
    return carry_out(plan_push(folder, HubRepo(NAME, HfApi(endpoint=hub.endpoint, token=hub.token))))


def shown(hub):
    """What readers of main and of each tag get; empty as long as there is no repository."""
    try:
        repo = hub.repo("datasets", NAME)
    except HubError:
        return {}
    return {name: version_shown(repo, name) for name in ("main", *repo.tags)}


def test_the_number_of_requests_is_known(hub, folders):
    hub.arm(None)
    push(folders["0.1.0"], hub)
    assert hub.seen == FIRST_PUSH_REQUESTS
    hub.arm(None)
    push(folders["0.2.0"], hub)
    assert hub.seen == PUSH_REQUESTS


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "stall"])
def test_an_update_that_fails_at_any_request_shows_old_or_new_whole_and_is_finished_by_the_next(hub, folders, kind):
    _fail_at_each(hub, folders, kind, None, range(1, PUSH_REQUESTS + 1))


def test_an_update_that_stalls_at_any_request_ends_and_is_finished_by_the_next(hub, folders):
    _fail_at_each(hub, folders, "stall", 1, range(1, PUSH_REQUESTS + 1), seconds=0.5)
    assert hub.outwaited == 0


def _fail_at_each(hub, folders, kind, count, numbers, seconds=60):
    push(folders["0.1.0"], hub)
    before = hub.repo("datasets", NAME)
    failed = 0
    for k in numbers:
        hub.repos["datasets", NAME] = before.copy()
        hub.arm(Fault(kind, k, count))
        try:
            with patience(seconds):
                push(folders["0.2.0"], hub)
        except (InputError, OSError) as error:
            assert NAME in str(error) and hub.token not in str(error)
            failed += 1
        hub.arm(None)
        seen = shown(hub)
        assert seen.pop("v0.1.0") == "0.1.0"
        assert seen in ({"main": "0.1.0"}, {"main": "0.2.0"}, {"main": "0.2.0", "v0.2.0": "0.2.0"}), (kind, k)
        push(folders["0.2.0"], hub)
        assert shown(hub) == {"main": "0.2.0", "v0.1.0": "0.1.0", "v0.2.0": "0.2.0"}, (kind, k)
        assert hub.repo("datasets", NAME).tags["v0.1.0"] == before.tags["v0.1.0"]
    if kind in ("refuse", "error", "drop", "conflict"):
        assert failed == len(numbers)


@pytest.mark.parametrize("kind", ["error", "lost"])
def test_a_first_push_that_fails_at_any_request_shows_nothing_or_all_and_is_finished_by_the_next(hub, folders, kind):
    for k in range(1, FIRST_PUSH_REQUESTS + 1):
        hub.repos.clear()
        hub.arm(Fault(kind, k))
        with pytest.raises((InputError, OSError)):
            push(folders["0.1.0"], hub)
        hub.arm(None)
        assert shown(hub) in ({}, {"main": None}, {"main": "0.1.0"}, {"main": "0.1.0", "v0.1.0": "0.1.0"}), (kind, k)
        push(folders["0.1.0"], hub)
        assert shown(hub) == {"main": "0.1.0", "v0.1.0": "0.1.0"}, (kind, k)
