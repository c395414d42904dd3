"""From pairs to hidden states: shard by shard, resumable, by one process or several at once."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from builders.errors import InputError
from builders.hub.files import replacing
from recipes.answerers.settings import LocalSettings
from recipes.answerers.vision_language import VisionLanguageModel, sample_of_weights
from recipes.probe.answers import axes_without_answers, category_tokens, margins
from recipes.probe.decoder import chosen_layers, decoder_layers
from recipes.probe.hidden_states import Prompt, StateReader
from recipes.probe.pair_files import PAIRS, PairFile
from recipes.probe.pairs import Pair
from recipes.probe.self_check import Checked, check
from recipes.probe.state_files import DTYPES, Shard, StateFolder, StateIndex, readable
from recipes.probe.wording import OPPOSITE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CollectSettings:
    """How states are collected; none of it changes what they are, but the layers and how they are stored."""

    layers: str = "all"
    """``all``, or as in ``0,10-20,24-34:2``."""
    batch_size: int = 64
    """Prompts at once."""
    rows_per_shard: int = 256
    store: str = "auto"
    """``float16``, ``float32``, or what the model computes in (16 bits or 32)."""
    limit: int = 0
    """Only the first so many pairs; 0: all."""
    shard_index: int = 0
    num_shards: int = 1
    """Make every ``num_shards``-th shard alone, for machines whose disks know no locks."""

    def __post_init__(self) -> None:
        if self.store not in ("auto", *DTYPES):
            raise InputError(f"--store {self.store}: expected auto, {' or '.join(DTYPES)}")
        if min(self.batch_size, self.rows_per_shard) < 1 or not 0 <= self.shard_index < self.num_shards:
            raise InputError("--batch-size and --rows-per-shard are 1 or more; --shard-index is below --num-shards")


@dataclass(frozen=True)
class Collected:
    """What a process did."""

    folder: StateFolder
    checked: Checked
    made: int
    """Shards made here."""
    elsewhere: int
    """Shards that another process is at."""
    counts: Counter[str]


def collect(
    pairs: PairFile, model: str, local: LocalSettings, run: Path, settings: CollectSettings, progress: bool = True
) -> Collected:
    """Collect the states of a checkpoint into a run's folder.

    Raises:
        InputError: no such model, one whose states cannot be read, another run's folder, a disk that is too small.
    """
    if ":" in model:
        raise InputError(f"--model {model}: hidden states take a checkpoint, a Hub id or folder; for states recorded "
                         "elsewhere see `probing.py import`")
    rows = pairs.pairs[: settings.limit or None]
    vlm = VisionLanguageModel(model, local)
    template = {"enable_thinking": False} if "enable_thinking" in vlm.chat_template else {}
    words = category_tokens(vlm.processor, template)
    tokens = sorted({number for ids in words.values() for number in ids})
    if silent := axes_without_answers(words):
        logger.warning("no answers about %s: both words begin with the same token", ", ".join(silent))
    count = len(decoder_layers(vlm.model))
    layers = chosen_layers(settings.layers, count)
    reader = StateReader(vlm, layers, tokens, template, settings.batch_size)
    checked = check(reader, _first_prompts(pairs, rows), layers)
    folder = StateFolder.begin(run, StateIndex(
        model=model, pairs_sha256=pairs.sha256, n_rows=len(rows), rows_per_shard=settings.rows_per_shard, layers=layers,
        n_layers=count, width=checked.width, dtype=_stored_as(settings.store, vlm.dtype),
        settings={"model_revision": vlm.commit, "weights_sample_sha256": sample_of_weights(model), "dtype": vlm.dtype,
                  "attention": local.attention, "chat_template": template, "answer_tokens": words}))
    with replacing(run / PAIRS) as temporary:
        temporary.write_bytes(pairs.path.read_bytes())
    print(_announced(folder, checked, vlm), flush=True)
    made = elsewhere = 0
    wanted = range(settings.shard_index, folder.index.n_shards, settings.num_shards)
    with tqdm(total=sum(len(folder.index.rows(shard)) for shard in wanted), desc="states", unit="pair",
              disable=not progress) as bar:
        for shard in wanted:
            with folder.claimed(shard) as mine:
                if mine:
                    here = [rows[number] for number in folder.index.rows(shard)]
                    folder.write(shard, shard_of(pairs, here, reader, tokens, words))
                    made += 1
                elif not folder.is_whole(shard):
                    elsewhere += 1
            bar.update(len(folder.index.rows(shard)))
    return Collected(folder, checked, made, elsewhere, reader.counts)


def shard_of(
    pairs: PairFile, rows: Sequence[Pair], reader: StateReader, tokens: Sequence[int], words: dict[str, list[int]]
) -> Shard:
    """States and margins of some pairs."""
    pictures = pairs.pictures({pair.image_id for pair in rows})
    read = reader.read(list(_prompts(rows, pictures)))
    right = [word for pair in rows for word in (pair.category, OPPOSITE[pair.category])]
    odds = margins(read.logits, tokens, words, right)
    states = read.states.transpose(1, 0, 2)
    return {"original": states[:, ::2], "swapped": states[:, 1::2], "margin_original": odds[::2],
            "margin_swapped": odds[1::2]}


def _prompts(rows: Sequence[Pair], pictures: dict[str, bytes]) -> Iterator[Prompt]:
    """Original and swapped, pair by pair."""
    for pair in rows:
        yield pictures[pair.image_id], pair.question
        yield pictures[pair.image_id], pair.swapped_question


def _first_prompts(pairs: PairFile, rows: Sequence[Pair]) -> list[Prompt]:
    """Of the first pair, and of one with another length about a picture of its own, if there is one."""
    first = rows[0]
    other = next((pair for pair in rows if len(pair.question) != len(first.question)
                  and pair.image_id != first.image_id), None)
    chosen = [first, *([other] if other else [])]
    return list(_prompts(chosen, pairs.pictures({pair.image_id for pair in chosen})))


def _stored_as(store: str, dtype: str) -> str:
    return store if store != "auto" else "float32" if dtype == "float32" else "float16"


def _announced(folder: StateFolder, checked: Checked, vlm: Any) -> str:
    index = folder.index
    kept = "each picture runs once for all its questions" if checked.shares else "each question runs with its picture"
    return (f"check: {checked.n_layers} layers, each runs once; states of {checked.last_tokens!r}, last token; "
            f"{checked.difference:.1e} from a prompt run alone; {kept}\n"
            f"disk: {readable(index.n_bytes)} for {index.n_rows} pairs, {len(index.layers)} layers, width "
            f"{index.width}, {index.dtype}")
