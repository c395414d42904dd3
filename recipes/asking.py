"""Ask an answerer the questions of a split that are not answered yet, and keep each answer as it comes."""

from collections.abc import Iterator
from io import BytesIO
from itertools import islice

from PIL import Image
from tqdm import tqdm

from builders.spar.pictures import with_markers
from recipes.answerers.answerer import FAILED, Answerer
from recipes.predictions import Answers, Counts, PredictionStore
from recipes.questions import EncodedViews, Questions, Row
from recipes.shards import WHOLE, Shard


def answer_all(
    answerer: Answerer, questions: Questions, limit: int, store: PredictionStore, batch_size: int,
    progress: bool = True, shard: Shard = WHOLE,
) -> tuple[Answers, Counts]:
    """Answer this shard's part of the first ``limit`` questions (0: all) that a metric scores, less those that are
    answered in the store. A question whose status is ``failed`` is asked again.

    Returns:
        All answers that there are then, of other shards too, and what happened on the way.

    Raises:
        InputError: the store belongs to another run.
        OSError: the answerer cannot go on; what it answered is kept.
    """
    done = {uid for uid, answer in store.read().items() if answer.status != FAILED}
    share = shard.of(questions.scored(limit))
    todo = [position for position in share if questions.rows[position]["uid"] not in done]
    rows = _with_images(questions, todo) if answerer.reads_images else (questions.rows[p] for p in todo)
    try:
        with tqdm(total=len(share), initial=len(share) - len(todo), desc=f"answers{shard.label}", unit="q",
                  disable=not progress) as bar:
            while batch := list(islice(rows, batch_size)):
                for answers in answerer.as_they_come(batch):
                    store.add(answers, answerer.counts())
                    bar.update(len(answers))
    finally:
        found = store.fold(questions.rows, answerer.counts())
    return found


def _with_images(questions: Questions, positions: list[int]) -> Iterator[Row]:
    for position, views in questions.views(positions):
        row = questions.rows[position]
        yield row | {"image": _marked(row, views)}


def _marked(row: Row, views: EncodedViews) -> EncodedViews:
    """The pictures with the markers that the question names: SPAR-7M has them as data, SPAR-Bench in its pictures."""
    given = [view for view in views if view is not None]
    if "id" in row or len(given) < len(views) or not any(item["color"] for item in row.get("objects") or ()):
        return views
    return [entry["bytes"] for entry in with_markers(row, [(view, Image.open(BytesIO(view))) for view in given])]
