"""What answers questions about bird's-eye maps without looking: the ceiling and two floors.

* ``oracle`` gives the true places, rounded to a decimetre as the answers are.
* ``middle`` puts every object where objects are on average: of places that are the same for all, the least mean square.
* ``random`` puts every object where a random object of the split is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from builders.randomness import generator
from builders.spar.tasks.map import map_text
from recipes.answerers import make_answerer
from recipes.answerers.answerer import Answer, Answerer
from recipes.answerers.baselines import Baseline, MakeBaseline, Oracle, timed
from recipes.answerers.settings import DEFAULTS, AnswererSettings
from recipes.placing import gold_map
from recipes.questions import Row

NEAR = 1.0
"""Metres; ``expected`` is the share of objects placed within them."""


class SomePlace(Baseline):
    """Puts each object at one of some places, whatever the question shows."""

    def __init__(self, places: NDArray[np.float64], seed: int) -> None:
        """
        Args:
            places: (N, 2), each as likely.
        """
        self._places, self._seed = places, seed

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        return timed(rows, self._guess)

    def _guess(self, row: Row) -> str:
        rng = generator("baseline:map", self._seed, row["uid"])
        names = [item["label"] for item in row["objects"]]
        drawn = self._places[rng.integers(len(self._places), size=len(names))]
        return map_text(names, drawn.ravel().tolist())

    def expected(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        return np.array([np.mean([(np.hypot(*(self._places - at).T) <= NEAR).mean() for at in gold_map(row).values()])
                         for row in rows])


def _places(rows: Sequence[Row]) -> NDArray[np.float64]:
    return np.array([at for row in rows for at in gold_map(row).values()])


BEV_BASELINES: dict[str, MakeBaseline] = {
    "oracle": lambda all_rows, seed: Oracle(),
    "random": lambda all_rows, seed: SomePlace(_places(all_rows), seed),
    "middle": lambda all_rows, seed: SomePlace(_places(all_rows).mean(axis=0, keepdims=True), seed),
}
"""NAME of ``baseline:NAME`` -> maker."""


def make_bev_answerer(
    model: str, all_rows: Sequence[Row], seed: int, settings: AnswererSettings = DEFAULTS
) -> Answerer:
    """The answerer that ``--model`` names; ``InputError`` for none that there is."""
    return make_answerer(model, all_rows, seed, settings, BEV_BASELINES)
