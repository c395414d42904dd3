"""What spar_bench and spar_7m have in common: where scenes come from, and what of them is asked about."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builders import heuristic
from builders.errors import InputError
from builders.hub.dataset import ROWS, Candidates, SceneRef, Selection
from builders.hub.parts import spec_hash
from builders.scenes import is_denoised, open_source
from builders.scenes.hashed_split import VALIDATION_SHARE
from builders.scenes.scene import SceneSource
from builders.spar.labels import EXCLUDED_LABELS, excluded_labels
from builders.spar.limits import Limits
from builders.spar.review import Review, read_review
from builders.spar.scene_lists import SceneList, read_scene_list
from builders.spar.tasks.task import Task
from builders.spar.wording import asks_briefly


@dataclass
class SparConfig(datasets.BuilderConfig):
    """What a dataset is made from. Every field is written to the manifest, files as their hashes."""

    sources: tuple[str, ...] = ("procedural",)
    """``NAME`` or ``NAME=ROOT``, see ``builders.scenes.SOURCES``."""
    scenes: int = 0
    """At most this many scenes of each source; 0: all (procedural rooms: 6)."""
    scene_ids: tuple[str, ...] = ()
    """Only these scenes."""
    validation_share: float = VALIDATION_SHARE
    """Share of the scenes that no official list names which are validation scenes. Give SPAR-7M and SPAR-Bench the
    same, or training scenes of the one become test scenes of the other."""
    exclude: str = ""
    """Text file of scenes that must not be built, such as the test scenes of other benchmarks: a line each,
    ``source/scene`` or ``scene``."""
    excluded_labels: str = ",".join(EXCLUDED_LABELS)
    """Labels that are not asked about, separated by commas; their objects still occlude."""
    review: str = ""
    """CSV or JSONL file of verdicts, see ``builders.spar.review``; rejected rows are not published."""
    seed: int = 0
    renderer: str = "cycles"
    """For procedural rooms: ``cycles`` or ``raycast``."""
    pixels: str = "auto"
    """``embedded``, ``referenced`` (frame ids only), or ``auto``: embedded where pixels may be passed on."""
    limits: Limits = field(default_factory=Limits)

    def check(self) -> None:
        """Raise ``InputError`` for a value out of its range. (Not ``__post_init__``: datasets sets fields later.)"""
        if self.pixels not in ("auto", "embedded", "referenced"):
            raise InputError(f"pixels: expected auto, embedded or referenced, got {self.pixels!r}")
        if not 0 <= self.validation_share <= 1:
            raise InputError(f"validation_share={self.validation_share}: expected a share from 0 to 1")
        read_scene_list(self.exclude)  # now, not after hours of building
        read_review(self.review)

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: datasets.Features | None = None) -> str:
        """The name under which ``datasets`` caches; lists count by what they hold, for they are edited in place."""
        held = {"exclude": read_scene_list(self.exclude).sha256, "review": read_review(self.review).sha256}
        return super().create_config_id(config_kwargs | {k: v for k, v in held.items() if v}, custom_features)


class SparBuilder(datasets.ArrowBasedBuilder):
    """Sources, scenes and review of both datasets; a subclass says which rows they give."""

    KIND = "task"
    config: SparConfig
    scratch: Path | None = None

    @cached_property
    def refs(self) -> list[SceneRef]:
        """The scenes the dataset is made from, in order; the same in every process."""
        refs = []
        for spec in self.config.sources:
            source = self.open(spec)
            known = self.known_scenes(source)
            usable = (i for i in known if self.usable(source, i))  # few of 100,000 rooms are looked at
            chosen = list(islice(usable, self.config.scenes or source.default_scenes))
            if known and not chosen:
                raise InputError(f"{source.name}: {self.none_usable(len(known))}")
            refs += [SceneRef(spec, source.name, i) for i in chosen]
        missing = sorted(set(self.config.scene_ids) - {ref.scene_id for ref in refs})
        if missing:
            raise InputError(f"no scene {missing[0]!r} to build{self.chosen_by()} "
                             f"(sources: {', '.join(self.config.sources)})")
        if not refs and self.config.exclude:
            raise InputError(f"exclude: {self.config.exclude} leaves no scene to build{self.chosen_by()}")
        return refs

    def usable(self, source: SceneSource, scene_id: str) -> bool:
        """Whether the dataset may use a scene, by its split."""
        raise NotImplementedError

    def none_usable(self, known: int) -> str:
        """What to tell about a source with so many scenes, of which none is usable."""
        raise NotImplementedError

    @property
    def asked_tasks(self) -> list[Task]:
        """The tasks whose questions are made."""
        raise NotImplementedError

    def chosen_by(self) -> str:
        """How ``chosen`` chooses, for messages."""
        return ""

    def split_of(self, source: SceneSource, scene_id: str) -> str:
        """``train``, ``validation`` or ``test``."""
        return source.split(scene_id, self.config.validation_share)

    @cached_property
    def labels_left_out(self) -> frozenset[str]:
        return excluded_labels(self.config.excluded_labels)

    @cached_property
    def excluded_scenes(self) -> SceneList:
        return read_scene_list(self.config.exclude)

    @cached_property
    def reviewed(self) -> Review:
        return read_review(self.config.review)

    def known_scenes(self, source: SceneSource) -> list[str]:
        """Scenes of a source that may be built, in natural order: those asked for, without the excluded ones."""
        wanted = self.config.scene_ids
        return [i for i in source.scene_ids()
                if (not wanted or i in wanted) and not self.excluded_scenes.holds(source.name, i)]

    def removed_scenes(self, source: SceneSource) -> int:
        """How many scenes of a source the file ``exclude`` removes."""
        return sum(self.excluded_scenes.holds(source.name, i) for i in source.scene_ids())

    def not_rejected(self, parts: Sequence[Candidates]) -> Iterator[tuple[pa.Table, NDArray[np.int32]]]:
        """Of each part, its questions' index columns and the numbers of those that no reviewer rejected; one part is in
        memory at a time. What became of the review list is kept for the manifest."""
        rejected, known = self.reviewed.rejected, set[str]()
        for part in parts:
            rows = part.tables[ROWS]
            kept = np.arange(len(rows), dtype=np.int32)
            if self.config.review:
                uids = rows["uid"].to_pylist()
                known.update(self.reviewed.verdicts.keys() & uids)
                kept = kept[[uid not in rejected for uid in uids]]
            yield rows, kept
        if self.config.review:
            self._review_outcome = self.reviewed.outcome(known)

    def manifest_extras(self, selections: Sequence[Selection], parts: Sequence[SceneRef]) -> dict[str, Any]:
        """What each task asks, the outcome of the review, None without one, and the hash of all that the pictures of a
        scene depend on, where a denoiser makes them: by that they are compared with published ones."""
        asks = {task.name: asks_briefly(task.name) for task in self.asked_tasks}
        specs = {ref.name: spec_hash(self.part_spec(ref)) for ref in parts if is_denoised(self.open(ref.spec))}
        return {"asks": asks, "review": self._review_outcome, "render_spec": specs}

    def part_spec(self, ref: SceneRef) -> dict[str, Any]:
        """Everything the rows of one scene depend on."""
        raise NotImplementedError

    _review_outcome: dict[str, Any] | None = None

    def shared_part_spec(self, ref: SceneRef) -> dict[str, Any]:
        """What the rows of one scene depend on in either dataset."""
        source = self.open(ref.spec)
        return {
            "dataset": self.name,
            "version": str(self.VERSION),
            "code": _code_hash(),
            "seed": self.config.seed,
            "source": ref.source,
            "scene": ref.scene_id,
            "input": source.fingerprint(ref.scene_id),
            "embedded": self.embeds(source),
            "excluded_labels": sorted(self.labels_left_out),
            "limits": asdict(self.config.limits),
        }

    def shared_settings(self) -> dict[str, Any]:
        """The configuration as the manifest shows it: every threshold, but no path of this machine."""
        sources = [self.open(spec) for spec in self.config.sources]
        return {
            "sources": [source.name for source in sources],
            "validation_share": self.config.validation_share,
            "seed": self.config.seed,
            "renderer": self.config.renderer if "procedural" in (s.name for s in sources) else None,
            "pixels": {s.name: "embedded" if self.embeds(s) else "referenced" for s in sources},
            "excluded_labels": sorted(self.labels_left_out),
            "exclude": {
                "sha256": self.excluded_scenes.sha256,
                "listed": len(self.excluded_scenes.scenes),
                "removed": sum(self.removed_scenes(s) for s in sources),
            } if self.config.exclude else None,
            "limits": asdict(self.config.limits),
            "min_gap": heuristic.MIN_GAP,
        }

    def licences(self) -> dict[str, str]:
        return {source.name: source.licence for source in map(self.open, self.config.sources)}

    def open(self, spec: str) -> SceneSource:
        """The source of a spec, opened once."""
        if spec not in self._sources:
            self._sources[spec] = open_source(spec, self.config.seed, self.config.renderer)
        return self._sources[spec]

    @cached_property
    def _sources(self) -> dict[str, SceneSource]:
        return {}

    def embeds(self, source: SceneSource) -> bool:
        """Whether the source's pixels go into the dataset."""
        return self.config.pixels == "embedded" or (self.config.pixels == "auto" and source.redistributable)


@cache
def _code_hash() -> str:
    """Of the tasks, their wording and all that makes rows: what other code has made is made again."""
    files = sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in (".py", ".yaml"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
