"""How fast hidden states are collected, against doing it one question at a time.

    python scripts/benchmarks/probing.py                              # a new LLaVA-like model with random weights
    python scripts/benchmarks/probing.py --model Qwen/Qwen2.5-VL-3B-Instruct --pairs 200 --set dtype=bfloat16

Three ways on one model, machine and set of pairs, in turns: as the released script does it (batch 1, the picture
encoded for each question, 20 tokens generated, all layers kept in memory); batch 1 with one forward pass and no
generation; and ours (batches, each picture once, shards written to disk). Loading and the check at the start are not
counted. Memory is the peak of what Python and numpy hold: in the first way the states of all pairs (in proportion, for
the paper's 1,200), in ours a shard of 32, however many there are. Ratios hold for this machine alone.
"""

import gc
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # before this folder, which has a file `metrics.py`

import numpy as np
import typer

from builders.command import run_command
from builders.hub.folder import build_folder
from builders.settings import apply_settings
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel
from recipes.answerers.settings import LocalSettings
from recipes.answerers.vision_language import VisionLanguageModel, _conversation
from recipes.examples.tiny_vlm import TinySize, make_tiny
from recipes.probe.answers import category_tokens
from recipes.probe.collect import shard_of
from recipes.probe.decoder import decoder_layers, listening
from recipes.probe.facts import facts_of_dataset
from recipes.probe.hidden_states import StateReader
from recipes.probe.pair_files import PairFile, read_pairs, write_pairs
from recipes.probe.pairs import PairSettings, make_pairs
from recipes.probe.self_check import check
from recipes.probe.state_files import StateFolder, StateIndex, readable

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_GENERATED = 20
"""Tokens, as in the released script."""
_PUBLISHED_PAIRS = 1200
"""Of the paper; states that are kept in memory grow with the pairs."""


@app.command(help=__doc__)
def main(
    model: Annotated[str, typer.Option(help="A Hub id or folder; none: a new one.")] = "",
    pairs: Annotated[int, typer.Option(min=12, help="Pairs of questions, a multiple of 12.")] = 48,
    batch_size: Annotated[int, typer.Option(min=1, help="Prompts at once, in ours.")] = 64,
    pictures: Annotated[int, typer.Option(min=32, help="Pixels along a side.")] = 224,
    width: Annotated[int, typer.Option(help="Of a new model.")] = 512,
    layers: Annotated[int, typer.Option(help="Of a new model.")] = 12,
    repeats: Annotated[int, typer.Option(min=1, help="Turns; the fastest of each way counts.")] = 2,
    set_: Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="How the model runs.")] = [],  # noqa: B006
) -> None:
    local = LocalSettings(**apply_settings(LocalSettings(), set_))
    with tempfile.TemporaryDirectory() as folder:
        held = _pairs(Path(folder), pairs, pictures)
        name = model or str(_new_model(Path(folder) / "model", held, pictures, width, layers))
        _measure(Path(folder), VisionLanguageModel(name, local), held, batch_size, repeats)


def _pairs(folder: Path, count: int, pictures: int) -> PairFile:
    build_folder(SpatialTunnel(renderer="raycast", only="contrastive_probing",
                               probing_per_category=4 * -(-count // 12), tunnel=TunnelSettings(resolution=pictures)),
                 folder / "tunnel", progress=False)
    found = facts_of_dataset(str(folder / "tunnel"))
    write_pairs(folder / "pairs", make_pairs(found.facts, PairSettings(per_category=0)).pairs, found.images, {})
    return read_pairs(folder / "pairs")


def _new_model(folder: Path, pairs: PairFile, pictures: int, width: int, layers: int) -> Path:
    texts = [*(pair.question for pair in pairs.pairs), *(pair.swapped_question for pair in pairs.pairs),
             "left right above below far close Yes No"]
    size = TinySize(width, layers, heads=8, vision_width=width // 2, vision_layers=layers // 2, picture=pictures,
                    patch=14)
    return make_tiny(texts, size, seed=0).save(folder)


def _measure(folder: Path, vlm: VisionLanguageModel, pairs: PairFile, batch_size: int, repeats: int) -> None:
    import torch

    every = decoder_layers(vlm.model)
    words = category_tokens(vlm.processor, {})
    tokens = sorted({number for ids in words.values() for number in ids})
    layers = tuple(range(len(every)))
    reader = StateReader(vlm, layers, tokens, {}, batch_size)
    pictures = pairs.pictures({pair.image_id for pair in pairs.pairs})
    checked = check(reader, [(pictures[pairs.pairs[0].image_id], text) for text in (
        pairs.pairs[0].question, pairs.pairs[0].swapped_question)], layers)

    def released() -> Any:
        return _one_by_one(vlm, every, pairs, pictures, _GENERATED)

    def forward() -> Any:
        return _one_by_one(vlm, every, pairs, pictures, 0)

    turns = iter(range(repeats + 1))

    def ours() -> Any:
        index = StateIndex("benchmark", pairs.sha256, len(pairs.pairs), 32, layers, len(every), checked.width,
                           "float32")
        states = StateFolder.begin(folder / f"run{next(turns)}", index)
        for shard in states.missing():
            rows = [pairs.pairs[number] for number in states.index.rows(shard)]
            states.write(shard, shard_of(pairs, rows, reader, tokens, words))
        return states

    ways: dict[str, Callable[[], Any]] = {
        f"batch 1, picture twice, {_GENERATED} tokens generated": released,
        "batch 1, picture twice, one forward pass": forward,
        f"ours, {batch_size} prompts at once": ours,
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter(), time.process_time()
            way()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    peaks = {name: _peak(way) for name, way in ways.items() if way is not forward}
    peaks[next(iter(ways))] *= _PUBLISHED_PAIRS / len(pairs.pairs)
    _print(vlm, pairs, checked.shares, seconds, peaks)


def _print(
    vlm: VisionLanguageModel, pairs: PairFile, shares: bool, seconds: dict[str, list[tuple[float, float]]],
    peaks: dict[str, float],
) -> None:
    parameters = sum(weights.numel() for weights in vlm.model.parameters())
    print(f"{len(pairs.pairs)} pairs; {parameters / 1e6:.0f} million parameters, {vlm.dtype}; "
          f"{vlm.environment()['devices']}; beginnings {'shared' if shares else 'not shared'}")
    print(f"{'':<46}{'pairs/s':>9}{'wall s':>9}{'cpu s':>9}{'ours: wall':>12}{'cpu':>7}{'memory':>10}")
    best = {name: np.min(held, axis=0) for name, held in seconds.items()}
    ours = list(best.values())[-1]
    for name, (wall, cpu) in best.items():
        memory = readable(peaks[name]) if name in peaks else ""
        print(f"{name:<46}{len(pairs.pairs) / wall:>9.2f}{wall:>9.2f}{cpu:>9.2f}{wall / ours[0]:>11.1f}x"
              f"{cpu / ours[1]:>6.1f}x{memory:>10}")


def _one_by_one(
    vlm: VisionLanguageModel, layers: list[Any], pairs: PairFile, pictures: dict[str, bytes], generated: int
) -> list[Any]:
    """States of all layers as the released script has them: original, swapped and delta in memory."""
    import torch

    kept = []
    for pair in pairs.pairs:
        both = []
        for text in (pair.question, pair.swapped_question):
            inputs = vlm.processor.apply_chat_template(
                [_conversation([pictures[pair.image_id]], text)], add_generation_prompt=True, tokenize=True,
                return_dict=True, return_tensors="pt").to(vlm.model.device, dtype=vlm.model.dtype)
            with torch.inference_mode(), listening(layers, lambda output: output[0, -1].float().cpu().numpy()) as heard:
                if generated:
                    vlm.model.generate(**inputs, do_sample=False, min_new_tokens=generated, max_new_tokens=generated)
                else:
                    vlm.model(**inputs, use_cache=False)
            both.append(np.stack([state for _, state in heard[: len(layers)]]))
        kept.append((*both, both[1] - both[0]))
    return kept


def _peak(way: Callable[[], Any]) -> float:
    """Most bytes that Python and numpy held at once, beyond what was there before."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    way()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


if __name__ == "__main__":
    run_command(app)
