"""BLEU-4 and CIDEr of short answers, by pycocoevalcap (extra ``captions``): what ScanQA's own score.py calls.

Both depend on how texts are cut into words:

* ``ptb``: the Penn Treebank tokenizer of Stanford CoreNLP 3.4.1, lower case, punctuation dropped, as pycocoevalcap
  brings it. It runs in Java. This is the published way.
* ``words``: lower case, runs of letters and digits with the apostrophes and hyphens between them. Needs no Java; where
  answers hold no contractions or brackets both cut alike.

BLEU-4 is that of all answers together (closest reference length). CIDEr is the mean over the questions, with document
frequencies from the references that are scored: on part of a split it is another figure than on all of it. Intervals
leave out a scene at a time.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from builders.errors import InputError
from metrics.phrase_match._intervals import Interval, jackknife_interval

TOKENIZERS = ("ptb", "words")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_BLANK = "\N{SYMBOL FOR NULL}"
"""Stands for an answer without words, which the libraries cannot take."""


@dataclass(frozen=True)
class CaptionScore:
    """One of the two, 1 being 100 in papers' tables."""

    value: float
    interval: Interval


def require_captions(tokenizer: str) -> None:
    """Raise ``InputError`` where the scores cannot be computed here: better before hours of answering than after."""
    if tokenizer not in TOKENIZERS:
        raise InputError(f"--tokenizer {tokenizer}: expected one of: {', '.join(TOKENIZERS)}")
    try:
        import pycocoevalcap  # noqa: F401
    except ImportError as error:
        raise InputError("BLEU-4 and CIDEr need pycocoevalcap: bash scripts/setup.sh geometry,render,dev,captions; or "
                         "leave them out: --tokenizer none") from error
    if tokenizer == "ptb" and not shutil.which("java"):
        raise InputError("--tokenizer ptb: needs Java (Debian, Ubuntu: apt-get install default-jre-headless); without "
                         "it: --tokenizer words")


def caption_scores(
    answers: Sequence[str], references: Sequence[Sequence[str]], scenes: Sequence[str], tokenizer: str
) -> dict[str, CaptionScore]:
    """``bleu_4`` (0 to 1) and ``cider`` (0 to 10) of answers.

    Args:
        answers: (N,) texts; empty ones score 0.
        references: (N,) one or more right answers each.
        scenes: (N,) what answers share.
        tokenizer: of ``TOKENIZERS``.

    Raises:
        InputError: something is not installed.
    """
    require_captions(tokenizer)
    from pycocoevalcap.bleu.bleu_scorer import BleuScorer
    from pycocoevalcap.cider.cider import Cider

    cut = _tokenized([[answer] for answer in answers] + [list(texts) for texts in references], tokenizer)
    said, right = cut[: len(answers)], cut[len(answers):]
    bleu = BleuScorer(n=4)
    for (answer,), golds in zip(said, right, strict=True):
        bleu += (answer, golds)
    _, per_question = Cider().compute_score(dict(enumerate(right)), dict(enumerate(said)))
    names = list(dict.fromkeys(scenes))
    of_scene = np.array([names.index(scene) for scene in scenes])

    def bleu_4(keep: np.ndarray) -> float:
        part = bleu.copy()
        part.ctest = [bleu.ctest[i] for i in np.flatnonzero(keep)]
        part.crefs = [bleu.crefs[i] for i in np.flatnonzero(keep)]
        return float(part.compute_score(option="closest", verbose=0)[0][3])

    def cider(keep: np.ndarray) -> float:
        return float(per_question[keep].mean())

    found = {}
    for name, figure, top in (("bleu_4", bleu_4, 1.0), ("cider", cider, 10.0)):
        value = figure(np.ones(len(answers), dtype=bool))
        left_out = [figure(of_scene != scene) for scene in range(len(names))] if len(names) > 1 else []
        found[name] = CaptionScore(value, jackknife_interval(value, left_out, len(answers), clustered=True,
                                                             limits=(0.0, top)))
    return found


def _tokenized(texts: Sequence[Sequence[str]], tokenizer: str) -> list[list[str]]:
    # One line each: a line separator of any script would shift all that follow it in the tokenizer's output.
    lines = [[" ".join(text.split()) or _BLANK for text in some] for some in texts]
    if tokenizer == "words":
        return [[" ".join(_WORD.findall(text.lower())) or _BLANK for text in some] for some in lines]
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    cut = PTBTokenizer().tokenize({i: [{"caption": text} for text in some] for i, some in enumerate(lines)})
    found = [[text or _BLANK for text in cut.get(i, [])] for i in range(len(lines))]
    if [len(some) for some in found] != [len(some) for some in lines]:
        raise OSError("the Penn Treebank tokenizer gave another number of lines than it got; try --tokenizer words")
    return found
