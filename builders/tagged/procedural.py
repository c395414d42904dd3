"""EmbSpatial-format questions about procedural rooms: six relations, options, boxes of all objects asked about. Needs
no data, so that all that follows runs without the Hub.

What a picture shows comes from the observer of SPAR (``builders.spar.records``): its boxes bound visible pixels.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from itertools import chain, islice, zip_longest
from typing import Any

import numpy as np

from builders.errors import InputError
from builders.hub.dataset import SceneRef, SceneReport
from builders.randomness import generator
from builders.scenes import is_denoised, open_source
from builders.spar.limits import Limits
from builders.spar.records import ImageRecord, SceneRecord, build_record
from builders.spar.tasks.naming import Name
from builders.tagged.embspatial import RELATIONS
from builders.tagged.files import Raw
from builders.tagged.room_facts import DEPTHS, DIRECTIONS, MIN_DEPTH_GAP, RoomFact, facts, height_misleads
from builders.tagged.supply import code_hash, report_of
from builders.yaml_files import read_yaml

SOURCE = "procedural"


class RoomRows:
    """Questions about validation rooms, which SPAR-7M trains nobody on."""

    unit = "scenes"
    pictures = SOURCE

    def __init__(self, key: tuple[str, str, int], renderer: str, scenes: int, scene_ids: tuple[str, ...],
                 per_relation: int, pictures_per_room: int) -> None:
        """
        Args:
            key: (dataset, version, seed), what questions depend on besides the room.
            scenes: how many rooms; 0: as many as the source makes by default.
            scene_ids: these rooms instead.
            per_relation: questions of each relation about a room, at most.
            pictures_per_room: pictures that they choose from, at most.
        """
        self._key, self._per_relation = key, per_relation
        self._limits = Limits(max_keyframes=pictures_per_room)
        self._source = open_source(SOURCE, key[2], renderer)
        self.denoised = is_denoised(self._source)
        self._renderer = renderer
        known = self._source.scene_ids()
        missing = sorted(set(scene_ids) - set(known))
        if missing:
            raise InputError(f"--scene-id {missing[0]}: no such room; there are {known[0]} to {known[-1]}")
        validation = (room for room in known if self._source.split(room) == "validation")
        self._rooms = list(scene_ids)[: scenes or None] or list(
            islice(validation, scenes or self._source.default_scenes))

    @property
    def refs(self) -> list[SceneRef]:
        return [SceneRef(SOURCE, SOURCE, room) for room in self._rooms]

    def rows(self, ref: SceneRef, shown: Callable[[str], bool]) -> tuple[list[Raw], SceneReport]:
        scene = self._source.load(ref.scene_id)
        record = build_record(scene, self._limits)
        asked = [fact for relation in RELATIONS for fact in self._chosen(record, relation)]
        asked.sort(key=lambda fact: fact.image)
        rng = generator(*self._key, ref.scene_id, "wording")
        encoded: dict[int, bytes] = {}
        rows = []
        for number, fact in enumerate(asked):
            image = record.images[fact.image]
            question_id = f"{SOURCE}_{ref.scene_id}_{number}"
            if shown(question_id) and fact.image not in encoded:
                encoded[fact.image] = self._source.read_color(scene, image.frame)
            rows.append(_row(record, fact, rng) | {
                "question_id": question_id, "data_source": SOURCE, "scene_id": ref.scene_id, "key": question_id,
                "image": {"bytes": encoded[fact.image], "path": f"{ref.scene_id}_{image.frame.frame_id}.jpg"}
                if shown(question_id) else None, "width": image.frame.width, "height": image.frame.height})
        return rows, report_of(rows, "relation", len(record.images), record.visibility_basis)

    def _chosen(self, record: SceneRecord, relation: str) -> list[RoomFact]:
        """Facts to ask about, no set of objects twice; of depth, those where height misleads take turns with others, as
        long as there are both."""
        rng = generator(*self._key, record.scene_id, relation)
        found: dict[frozenset[str], RoomFact] = {}
        for fact in facts(record, relation, rng):
            found.setdefault(frozenset(fact.objects), fact)
        misleading = [fact for fact in found.values() if relation in DEPTHS and height_misleads(record, fact)]
        others = [fact for fact in found.values() if fact not in misleading]
        turns = chain.from_iterable(zip_longest(misleading, others))
        return list(islice(filter(None, turns), self._per_relation))

    def spec(self, ref: SceneRef) -> dict[str, Any]:
        return {"code": code_hash("tagged", "spar"), "room": self._source.fingerprint(ref.scene_id), "key": self._key,
                "per_relation": self._per_relation, "pictures": self._limits.max_keyframes}

    def expectation(self) -> str:
        most = len(self._rooms) * len(RELATIONS) * self._per_relation
        return (f"expected at most {most} rows: {len(self._rooms)} rooms x {len(RELATIONS)} relations x "
                f"{self._per_relation} questions (per_relation)")

    def said(self) -> dict[str, Any]:
        return {"rooms": len(self._rooms), "renderer": self._renderer, "min_depth_gap": MIN_DEPTH_GAP}

    def licences(self) -> dict[str, str]:
        return {SOURCE: self._source.licence}


def _row(record: SceneRecord, fact: RoomFact, rng: np.random.Generator) -> Raw:
    """Question, options, answer and boxes."""
    image = record.images[fact.image]
    names = [Name(label, of=label) for label in map(record.label, fact.objects)]
    if fact.relation in DEPTHS:
        order = rng.permutation(len(names)).tolist()
        options, answer = [str(names[i]) for i in order], order.index(0)
        objects = [fact.objects[i] for i in order]
        question = str(rng.choice(_wording()[fact.relation]))
    else:
        order = rng.permutation(len(DIRECTIONS)).tolist()
        options = [_wording()["options"][DIRECTIONS[i]].format(a=names[0], b=names[1]) for i in order]
        answer, objects = order.index(DIRECTIONS.index(fact.relation)), list(fact.objects)
        question = str(rng.choice(_wording()["direction"])).format(a=names[0], b=names[1])
    return {"question": question, "relation": fact.relation, "answer_options": options, "answer": answer,
            "objects": [{"name": record.label(name), "bbox": _edges(image, name)} for name in objects]}


def _edges(image: ImageRecord, name: str) -> list[float]:
    """x1, y1, x2, y2 of the visible pixels, counted from the image's corner as the benchmark does: our pixel centres
    are at integers."""
    return (image.objects[name].bbox + 0.5).tolist()


@cache
def _wording() -> Mapping[str, Any]:
    return read_yaml(files("builders.tagged").joinpath("wording.yaml"))
