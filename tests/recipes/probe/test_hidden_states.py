"""Hidden states of tiny checkpoints of real architectures: the same as one prompt at a time gives, for every layer."""

import os
import signal
import subprocess
import sys
import time
from functools import partial, wraps
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from builders.errors import InputError
from recipes.answerers import vision_language
from recipes.answerers.settings import LocalSettings
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.probe import self_check
from recipes.probe.answers import margins
from recipes.probe.collect import Collected, CollectSettings, collect
from recipes.probe.decoder import chosen_layers
from recipes.probe.hidden_states import Read, StateReader
from recipes.probe.pair_files import PairFile
from recipes.probe.self_check import check
from recipes.probe.state_files import StateFolder
from recipes.probing import app
from tests.recipes.tiny_models import FAMILIES, torch

FP32 = LocalSettings(dtype="float32")
SETTINGS = CollectSettings(rows_per_shard=5, batch_size=7)


def picture(seed: int, width: int = 80, height: int = 50) -> bytes:
    buffer = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


PROMPTS = [(picture(n, *size), text) for n, size in ((1, (80, 50)), (2, (80, 50)), (3, (48, 90)), (4, (80, 50)))
           for text in ("Is the cube above the bed?", "Where is the red sphere: left or right?", "far?")[: 1 + n % 3]]
"""Of two sizes, with one to three texts each."""


def straightforward(vlm: VisionLanguageModel, prompts: list[tuple[bytes, str]]) -> np.ndarray:
    """(prompts, layers, width): one prompt at a time, a hook on each layer, no padding, no cache."""
    states = []
    for data, text in prompts:
        asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]
        written = vlm.processor.apply_chat_template(asked, add_generation_prompt=True)
        inputs = vlm.processor(text=written, images=Image.open(BytesIO(data)), return_tensors="pt")
        model = vlm.model.model
        blocks = (model.language_model if hasattr(model, "language_model") else model.text_model).layers
        kept: list[np.ndarray] = []
        handles = [block.register_forward_hook(partial(keep, kept)) for block in blocks]
        with torch.inference_mode():
            vlm.model(**inputs, use_cache=False)
        for handle in handles:
            handle.remove()
        states.append(kept)
    return np.array(states)


def keep(kept: list[np.ndarray], module, given, made) -> None:
    kept.append((made[0] if isinstance(made, tuple) else made)[0, -1].numpy())


@pytest.fixture(scope="module", params=FAMILIES)
def vlm(request: pytest.FixtureRequest, checkpoints: dict[str, str]) -> VisionLanguageModel:
    return VisionLanguageModel(checkpoints[request.param], FP32)


@pytest.fixture(scope="module")
def qwen(checkpoints: dict[str, str]) -> VisionLanguageModel:
    return VisionLanguageModel(checkpoints["qwen2_5_vl"], FP32)


@pytest.fixture(scope="module")
def of_qwen(qwen: VisionLanguageModel) -> np.ndarray:
    """Its states, made the straightforward way."""
    return straightforward(qwen, PROMPTS)


def reader_of(vlm: VisionLanguageModel, batch_size: int = 5, tokens: tuple[int, ...] = (40, 3)) -> StateReader:
    return StateReader(vlm, (0, 1), tokens, {}, batch_size)


# ---------------------------------------------------------------- states


def test_states_are_those_of_one_prompt_at_a_time(vlm: VisionLanguageModel):
    """Beginnings shared, then prompts whole; both against the straightforward way, every layer."""
    expected = straightforward(vlm, PROMPTS)
    assert np.ptp(expected[:, -1], axis=0).max() > 0.1  # pictures and words matter
    reader = reader_of(vlm)
    assert np.abs(reader.read(PROMPTS).states - expected).max() < 1e-4
    assert reader.counts == {"prompts with a shared beginning": len(PROMPTS)}
    reader.shares = False
    assert np.abs(reader.read(PROMPTS).states - expected).max() < 1e-4
    assert reader.counts["prompts run whole"] == len(PROMPTS)


def test_the_last_layer_comes_before_the_final_norm(vlm: VisionLanguageModel):
    """Normed, it is what transformers calls the last of its hidden states."""
    data, text = PROMPTS[0]
    inputs = vlm.processor.apply_chat_template(
        [vision_language._conversation([data], text)], add_generation_prompt=True, tokenize=True, return_dict=True,
        return_tensors="pt")
    with torch.inference_mode():
        theirs = vlm.model(**inputs, output_hidden_states=True).hidden_states[-1][0, -1]
        raw = torch.from_numpy(reader_of(vlm).read(PROMPTS[:1]).states[0, -1])
        normed = vlm.model.get_decoder().norm(raw)
    assert not torch.allclose(raw, theirs, atol=1e-2)
    assert torch.allclose(normed, theirs, atol=1e-4)


def test_logits_are_those_that_answers_are_made_from(vlm: VisionLanguageModel):
    expected = vlm.first_logits([([data], text) for data, text in PROMPTS], {})[:, [40, 3]].numpy()
    assert np.abs(reader_of(vlm).read(PROMPTS).logits - expected).max() < 1e-4


def test_a_picture_is_encoded_once_for_all_its_texts(vlm: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch):
    prompts, seen = [(picture(9), f"Is it {n}?") for n in range(6)], []
    tower = next(module for name, module in vlm.model.named_modules() if name.endswith(("visual", "vision_tower",
                                                                                        "vision_model")))
    handle = tower.register_forward_hook(lambda module, given, made: seen.append(1))
    reader_of(vlm, batch_size=20).read(prompts)
    handle.remove()
    assert len(seen) == 1


@pytest.mark.parametrize("shares", [True, False])
def test_a_batch_that_does_not_fit_is_halved(
    qwen: VisionLanguageModel, of_qwen: np.ndarray, shares: bool, monkeypatch: pytest.MonkeyPatch
):
    reader, forward, sizes = reader_of(qwen, batch_size=8), qwen.model.forward, []

    @wraps(forward)
    def small(*given, **named):
        sizes.append(len(named["input_ids"]))
        if sizes[-1] > 2:
            for hook in reader._layers[0]._forward_hooks.values():  # memory runs out after the first layer
                hook(reader._layers[0], (), torch.zeros(sizes[-1], 64, 32))
            raise torch.OutOfMemoryError("no more")
        return forward(*given, **named)

    monkeypatch.setattr(qwen.model, "forward", small)
    monkeypatch.setattr(qwen, "batch_size", None)
    reader.shares = shares
    assert np.abs(reader.read(PROMPTS).states - of_qwen).max() < 1e-4
    assert max(sizes) > 2


# ---------------------------------------------------------------- the check at the start


def test_the_check_says_what_is_read(vlm: VisionLanguageModel):
    found = check(reader_of(vlm), PROMPTS, (0, 1))
    assert (found.n_layers, found.width, found.shares) == (2, 32, True)
    assert found.difference < 1e-4 and "ssistant" in found.last_tokens


def test_layers_of_the_vision_tower_are_not_taken_for_the_language_models(
    qwen: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(self_check, "decoder_layers", lambda model: list(model.model.visual.blocks))
    with pytest.raises(InputError, match=r"puts out .*expected \(1, \d+, 32\)"):
        check(reader_of(qwen), PROMPTS, (0, 1))


def test_a_state_of_another_token_is_noticed(qwen: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch):
    """With prompts padded on the right, the last position of the shorter ones is padding."""
    monkeypatch.setattr(vision_language, "PADDING_SIDE", "right")
    reader = reader_of(qwen)
    reader.shares = False
    with pytest.raises(InputError, match="differs by"):
        check(reader, PROMPTS, (0, 1))


@pytest.mark.parametrize("fault", ["other states", "error"])
def test_where_sharing_goes_wrong_prompts_run_whole(
    qwen: VisionLanguageModel, of_qwen: np.ndarray, fault: str, monkeypatch: pytest.MonkeyPatch
):
    """As where a family lets the words before look at those after them."""
    real = StateReader.shared

    def wrong(self, pictures, texts):
        if fault == "error":
            raise ValueError("this model needs its picture")
        made = real(self, pictures, texts)
        return Read(made.states + np.float32(0.01) * np.linalg.norm(made.states, axis=-1, keepdims=True), made.logits)

    monkeypatch.setattr(StateReader, "shared", wrong)
    reader = reader_of(qwen)
    found = check(reader, PROMPTS, (0, 1))
    assert not found.shares and found.why_not
    assert np.abs(reader.read(PROMPTS).states - of_qwen).max() < 1e-4


# ---------------------------------------------------------------- collections


def collected(pairs: PairFile, model: str, run: Path, **changed) -> Collected:
    return collect(pairs, model, FP32, run, SETTINGS if not changed else CollectSettings(
        rows_per_shard=5, batch_size=7, **changed), progress=False)


def shards(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((run / "states").glob("*.safetensors"))}


def test_a_collection_holds_each_pair_in_order(pairs: PairFile, checkpoints: dict[str, str], run: Path):
    done = collected(pairs, checkpoints["internvl"], run)
    assert done.made == 5 and done.folder.index.n_rows == 24
    vlm = VisionLanguageModel(checkpoints["internvl"], FP32)
    pictures = pairs.pictures({pair.image_id for pair in pairs.pairs})
    for name, field in (("original", "question"), ("swapped", "swapped_question")):
        chats = [(pictures[pair.image_id], getattr(pair, field)) for pair in pairs.pairs]
        expected = straightforward(vlm, chats)
        for layer in (0, 1):
            assert np.abs(done.folder.read(name, layer) - expected[:, layer]).max() < 1e-4


def test_margins_say_by_how_much_the_right_word_wins(pairs: PairFile, checkpoints: dict[str, str], run: Path):
    """Against the logits of a model called by hand, for the tokens of both spellings of both words."""
    done = collected(pairs, checkpoints["qwen2_5_vl"], run, layers="1")
    vlm = VisionLanguageModel(checkpoints["qwen2_5_vl"], FP32)
    pictures, opposite = pairs.pictures({pair.image_id for pair in pairs.pairs}), {"left": "right", "right": "left"}
    asked = [pair for pair in pairs.pairs if pair.category in opposite]
    logits = vlm.first_logits([([pictures[pair.image_id]], pair.question) for pair in asked], {})

    def strength(word: str) -> torch.Tensor:
        encode = vlm.processor.tokenizer.encode
        return logits[:, [encode(word)[0], encode(word.capitalize())[0]]].logsumexp(1)

    odds = strength("left") - strength("right")
    expected = [value if pair.category == "left" else -value for value, pair in zip(odds.tolist(), asked)]
    found = done.folder.read("margin_original")[[pair.category in opposite for pair in pairs.pairs]]
    assert found == pytest.approx(expected, abs=1e-3)


def test_an_axis_whose_words_begin_alike_has_no_answers():
    words = {"far": [], "close": [], "left": [5], "right": [6]}
    assert np.isnan(margins(np.zeros((1, 2), np.float32), [5, 6], words, ["far"])).all()


def test_a_collection_that_was_killed_goes_on(pairs: PairFile, checkpoints: dict[str, str], run: Path):
    """A process is killed once its first shard is there; the same command makes the rest, and leaves that one alone."""
    model = checkpoints["smolvlm"]
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-u", str(root / "recipes/probing.py"), "collect", "--pairs", str(pairs.path.parent),
         "--model", model, "--out", str(run), "--rows-per-shard", "1", "--set", "dtype=float32"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"})
    give_up = time.monotonic() + 120
    while not (run / "states/shard-00000.json").exists() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    missing = StateFolder.open(run).missing()
    assert 0 < len(missing) < 24
    first = (run / "states/shard-00000.safetensors").stat().st_mtime_ns
    settings = CollectSettings(rows_per_shard=1)
    assert collect(pairs, model, FP32, run, settings, progress=False).made == len(missing)
    assert (run / "states/shard-00000.safetensors").stat().st_mtime_ns == first
    collect(pairs, model, FP32, run.parent / "whole", settings, progress=False)
    assert shards(run) == shards(run.parent / "whole")


def test_a_shard_that_another_process_is_at_is_left_to_it(pairs: PairFile, checkpoints: dict[str, str], run: Path):
    whole = collected(pairs, checkpoints["idefics3"], run.parent / "whole")
    first = collected(pairs, checkpoints["idefics3"], run, num_shards=5, shard_index=0)  # makes shard 0 alone
    assert first.made == 1
    with first.folder.claimed(3) as mine:
        assert mine
        second = collected(pairs, checkpoints["idefics3"], run)
        assert (second.made, second.elsewhere, second.folder.missing()) == (3, 1, [3])
    damaged = first.folder.path(2)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\xff")
    assert collected(pairs, checkpoints["idefics3"], run).made == 2  # the one left, and the damaged one
    assert shards(run) == shards(whole.folder.folder.parent)


def test_the_command_says_what_it_does_and_is_not_resumed_as_another(
    pairs: PairFile, checkpoints: dict[str, str], run: Path
):
    arguments = ["collect", "--pairs", str(pairs.path), "--model", checkpoints["qwen2_5_vl"], "--out", str(run),
                 "--limit", "4", "--set", "dtype=float32"]
    said = CliRunner().invoke(app, arguments)
    assert said.exit_code == 0, said.output
    assert "2 layers, each runs once" in said.output and "disk: 2.08 kB for 4 pairs, 2 layers" in said.output
    assert "1 of 1 shards" in said.output
    assert "nothing was left to do" in CliRunner().invoke(app, arguments).output
    other = CliRunner().invoke(app, [*arguments, "--layers", "0"])
    assert isinstance(other.exception, InputError) and "other layers" in str(other.exception)


def test_layers_are_named_by_number_range_and_step():
    assert chosen_layers("all", 3) == (0, 1, 2)
    assert chosen_layers("1, 4-8:2,-2", 12) == (1, 4, 6, 8, 10)
    for wrong in ("12", "3-1", "x", "", "0-11:0"):
        with pytest.raises(InputError, match="layers from 0 to 11"):
            chosen_layers(wrong, 12)


def test_what_has_no_hidden_states_is_refused(pairs: PairFile, run: Path):
    with pytest.raises(InputError, match=r"probing\.py import"):
        collect(pairs, "endpoint:http://localhost#m", FP32, run, SETTINGS)
