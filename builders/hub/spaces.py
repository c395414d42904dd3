"""A metric's folder becomes a Space, from which ``evaluate.load("ORG/<name>")`` loads it: each folder alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import RepoCard

from builders.errors import InputError
from builders.hub.repository import Content, HubRepo, Snapshot

_OURS = re.compile(r"^\s*(?:from|import)\s+(?:\.\.|metrics\b|builders\b|recipes\b|scripts\b)", re.M)


@dataclass(frozen=True)
class SpacePlan:
    """What pushing one metric will do."""

    repo: HubRepo
    sdk: str
    base: Snapshot | None
    changed: Mapping[str, Content]
    removed: tuple[str, ...]

    def lines(self) -> list[str]:
        """What will be done, for people."""
        if self.base is not None and not self.changed and not self.removed:
            return [f"{self.repo.name}: nothing to do"]
        said = [f"{self.repo.name}: Space"] + ["  make the repository"] * (self.base is None)
        said += [f"  write {path} ({content.size} bytes)" for path, content in self.changed.items()]
        return said + [f"  remove {path}" for path in self.removed]


def metric_folders(folder: Path) -> list[Path]:
    """The folder itself, if it is a metric's; else the metrics in it.

    Raises:
        InputError: there are none.
    """
    found = [path for path in (folder, *sorted(folder.glob("*/"))) if (path / f"{path.name}.py").is_file()]
    if not found:
        raise InputError(f"{folder}: neither a metric (a folder NAME with NAME.py in it) nor a folder of metrics")
    return [folder] if folder in found else found


def plan_space(folder: Path, repo: HubRepo) -> SpacePlan:
    """Compare a metric's folder with its Space. Changes nothing.

    Raises:
        InputError: the folder cannot stand alone, or the repository has another name, by which evaluate would look for
            another file.
        OSError: the Hub cannot be asked.
    """
    if repo.name.split("/")[-1] != folder.name:
        raise InputError(f"{folder}: evaluate.load({repo.name!r}) looks for {repo.name.split('/')[-1]}.py; call the "
                         f"repository {folder.name}")
    contents = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            data = path.read_bytes()
            if path.suffix == ".py" and _OURS.search(data.decode()):
                raise InputError(f"{path}: imports what is outside its folder, and will not be found there")
            contents[path.relative_to(folder).as_posix()] = Content.of_bytes(data)
    missing = {"README.md", "app.py", "requirements.txt"} - set(contents)
    if missing:
        raise InputError(f"{folder}: lacks {', '.join(sorted(missing))}")
    sdk = RepoCard.load(folder / "README.md").data.get("sdk")
    if not sdk:
        raise InputError(f"{folder / 'README.md'}: its YAML lacks sdk, which a Space needs")
    head = repo.head()
    held = head.files if head else {}
    changed = {path: content for path, content in contents.items()
               if path not in held or not content.equals(held[path])}
    removed = tuple(path for path in sorted(held) if path not in contents and path != ".gitattributes")
    return SpacePlan(repo, str(sdk), head, changed, removed)


def push_space(plan: SpacePlan, private: bool = False) -> None:
    """Do what the plan says, by one commit.

    Raises:
        InputError, OSError: as ``HubRepo``; run it again from the plan on.
    """
    base = plan.base or plan.repo.create(private, plan.sdk)
    if plan.changed or plan.removed:
        plan.repo.commit(base, plan.changed, plan.removed, f"Metric {plan.repo.name.split('/')[-1]}")
