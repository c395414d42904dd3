"""A folder becomes a dataset version on the Hub that others pin with ``revision="v1.2.0"``.

``plan_push`` checks the folder, looks at what the repository holds and refuses what would break a promise.
``carry_out`` uploads what is missing, makes the version visible by one commit, and tags it. Readers of ``main`` and of
every tag see one version whole at any moment. A push that failed anywhere is finished by running it again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import DatasetCard

from builders.errors import InputError
from builders.hub.card import published_card
from builders.hub.card_pictures import is_card_picture
from builders.hub.check import folder_problems, is_shard, licence_problems
from builders.hub.difference import Version, row_differences
from builders.hub.files import sha256_of
from builders.hub.manifest import read_manifest
from builders.hub.repository import Content, HubRepo, Snapshot

NEUTRAL = (".gitattributes", ".gitignore", "README.md", "LICENSE")
"""What a repository made on the website may hold before the first version."""

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Plan:
    """What a push will do."""

    repo: HubRepo
    manifest: Mapping[str, Any]
    base: Snapshot | None
    """``main`` as it was seen; None: the repository has to be made."""
    changed: Mapping[str, Content]
    """Path -> what is written; empty if the version is visible already."""
    removed: tuple[str, ...]
    published: str | None
    """The commit that holds the version already."""
    tagged: bool
    notes: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        return tag_of(self.manifest)

    @property
    def upload_bytes(self) -> int:
        return sum(content.size for content in self.changed.values())

    def lines(self) -> list[str]:
        """What will be done, for people."""
        said = [f"{self.repo.name}: {self.manifest['dataset']} {self.manifest['version']}, "
                f"{sum(self.manifest['rows'].values())} rows in {len(self.manifest['files'])} files"]
        said += [f"  licence of {source}: {text}" for source, text in self.manifest["licences"].items()]
        if self.base is None:
            said.append("  make the repository")
        said += [f"  write {path} ({content.size} bytes)" for path, content in self.changed.items()]
        said += [f"  remove {path}" for path in self.removed]
        if not self.tagged:
            said.append(f"  set the tag {self.tag}" + (f" at {self.published[:8]}" if self.published else ""))
        elif not self.changed:
            said.append(f"  nothing to do: {self.tag} holds these rows")
        return said + [f"  {note}" for note in self.notes]


def tag_of(manifest: Mapping[str, Any]) -> str:
    """The tag of a version.

    Example:
        >>> tag_of({"version": "1.2.0"})
        'v1.2.0'
    """
    return f"v{manifest['version']}"


def plan_push(folder: Path, repo: HubRepo, gating: Mapping[str, Any] | None = None, progress: bool = False) -> Plan:
    """Look, compare, and say what there is to do. Changes nothing.

    Args:
        gating: fields of the card that say what the Hub asks of readers (``extra_gated_prompt``, ...); none: those of
            the card on ``main`` stay.

    Raises:
        InputError: the folder is not what its manifest says, may not be passed on, or differs from a version of the
            same number (the message lists the differences), or the repository holds something else.
        OSError: the Hub cannot be asked.
    """
    manifest = read_manifest(folder)
    problems = licence_problems(manifest) or folder_problems(folder, manifest, progress)
    if problems:
        raise InputError("\n  ".join([f"{folder}: not published, for", *problems]))
    head = repo.head()
    contents = _contents(folder, repo.name, manifest, gating or _gating(repo, head))
    if head is None:
        return Plan(repo, manifest, None, contents, (), None, tagged=False)
    visible = repo.manifest(head)
    if visible is not None and visible["dataset"] != manifest["dataset"]:
        raise InputError(f"{repo.name}: holds the dataset {visible['dataset']}, not {manifest['dataset']}; choose "
                         "another --repo")
    tags = repo.tags()
    found = partial(_published, repo, folder, manifest, contents)
    if tag_of(manifest) in tags:
        return found(head, repo.at(tags[tag_of(manifest)]), tagged=True)
    if visible is None:
        foreign = sorted(set(head.files) - set(NEUTRAL))
        if foreign:
            raise InputError(f"{repo.name}: holds {foreign[0]}, which is no part of a Vantage dataset; choose another "
                             "--repo")
        return Plan(repo, manifest, head, _different(contents, head), (), None, tagged=False)
    if visible["version"] == manifest["version"]:
        return found(head, head, tagged=False)
    if _order(visible["version"]) > _order(manifest["version"]):
        left = repo.commit_named(title_of(manifest))  # committed by a push that failed to tag it
        if left:
            return found(head, repo.at(left), tagged=False)
        raise InputError(f"{repo.name}: main is at {visible['version']}, and {folder} at {manifest['version']}: bump "
                         f"the version beyond {visible['version']} and build again")
    configs = {name.split("/")[0] for name in (*visible["rows"], *manifest["rows"])}
    removed = tuple(path for path in sorted(head.files) if path not in contents and (is_card_picture(path) or (
        path.endswith(".parquet") and (is_shard(path) or path.split("/")[0] in configs))))
    return Plan(repo, manifest, head, _different(contents, head), removed, None, tagged=False)


def carry_out(plan: Plan, private: bool = False, gated: bool = False) -> str:
    """Do what the plan says; gives the commit that holds the version.

    Args:
        private: of a repository that has to be made.
        gated: let the Hub ask readers for their consent, before there is anything to read.

    Raises:
        InputError, OSError: as ``HubRepo``; run it again from the plan on.
    """
    base, oid = plan.base or plan.repo.create(private), plan.published
    if plan.base is None and set(base.files) - set(NEUTRAL):
        raise OSError(f"{plan.repo.name}: somebody else has made it, and committed, since this push began")
    if gated:
        plan.repo.gate()
    if oid is None:
        oid = plan.repo.commit(base, plan.changed, plan.removed, title_of(plan.manifest), _description(plan.manifest))
    if not plan.tagged:
        plan.repo.tag(plan.tag, oid)
    return oid


def title_of(manifest: Mapping[str, Any]) -> str:
    """Title of the commit that makes a version visible."""
    return f"{manifest['dataset']} {manifest['version']}"


def _description(manifest: Mapping[str, Any]) -> str:
    rows = [f"{name}: {count} rows" for name, count in manifest["rows"].items()]
    return "\n".join([*rows, "", "Built with Vantage; manifest.json holds settings and checksums."])


def _contents(
    folder: Path, name: str, manifest: Mapping[str, Any], gating: Mapping[str, Any]
) -> dict[str, Content]:
    """Every file of the version."""
    card = published_card((folder / "README.md").read_text(), name, gating)
    contents = {path: Content(folder / path, entry["bytes"], entry["sha256"])
                for path, entry in {**manifest["files"], **manifest.get("card", {})}.items()}
    told = folder / "manifest.json"
    contents["manifest.json"] = Content(told, told.stat().st_size, sha256_of(told))
    contents["README.md"] = Content.of_bytes(card.encode())
    return contents


def _gating(repo: HubRepo, head: Snapshot | None) -> dict[str, Any]:
    """What the card on ``main`` says that the Hub asks of readers."""
    if head is None or "README.md" not in head.files:
        return {}
    with repo.opened("README.md", head) as file:
        text = file.read().decode(errors="replace")
    try:
        fields = DatasetCard(text, ignore_metadata_errors=True).data.to_dict()
    except yaml.YAMLError:  # whoever wrote that must not keep the next version from being pushed
        return {}
    return {name: value for name, value in fields.items() if name.startswith("extra_gated_")}


def _published(
    repo: HubRepo, folder: Path, manifest: Mapping[str, Any], contents: Mapping[str, Content], head: Snapshot,
    held: Snapshot, tagged: bool,
) -> Plan:
    """A plan for a version whose number is on the Hub, at ``held``: nothing but a missing tag is left to do.

    Raises:
        InputError: its rows are others, or it is not whole.
    """
    different = _different(contents, held)
    if any(is_shard(path) for path in different) or _shards(held) - set(contents):
        where = f"{repo.name}@{tag_of(manifest) if tagged else 'main'}"
        earlier = repo.manifest(held)
        if earlier is None:
            raise InputError(f"{where}: manifest.json is missing or unreadable there; a tag is never moved: bump the "
                             f"version of {manifest['dataset']} and build again")
        found = row_differences(Version(earlier, lambda path: repo.opened(path, held)),
                                Version.in_folder(folder, manifest))
        if found:
            raise InputError("\n  ".join([
                f"{where}: {manifest['dataset']} {manifest['version']} is published with other rows and stays as it "
                f"is; bump the version and build again. Against it, {folder} has", *found]))
    notes = [f"{path} differs from the published one, which stays as it is" for path in sorted(different)]
    return Plan(repo, manifest, head, {}, (), held.oid, tagged, tuple(notes))


def _different(contents: Mapping[str, Content], held: Snapshot) -> dict[str, Content]:
    return {path: content for path, content in contents.items()
            if path not in held.files or not content.equals(held.files[path])}


def _shards(held: Snapshot) -> set[str]:
    return {path for path in held.files if is_shard(path)}


def _order(version: str) -> tuple[int, ...]:
    """For comparing versions; ``InputError`` for one that is not of the form 1.2.0."""
    match = _VERSION.fullmatch(version)
    if not match:
        raise InputError(f"version {version!r}: expected the form 1.2.0")
    return tuple(map(int, match.groups()))
