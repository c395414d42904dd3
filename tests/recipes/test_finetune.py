"""Training a tiny model, whole and interrupted: what it sees, what it learns from, and what is left in the folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Features, Image, Value
from PIL import Image as Pillow

pytest.importorskip("torch", reason="the extra `models` is not installed")
pytest.importorskip("accelerate", reason="the extra `models` is not installed")

import torch
from accelerate.data_loader import BatchSamplerShard, skip_first_batches
from safetensors.torch import load_file, save_file
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from builders.errors import InputError
from recipes import spar_bench
from recipes.answerers.settings import AnswererSettings, LocalSettings
from recipes.examples.tiny_vlm import TinySize, make_tiny
from recipes.finetuning.collator import IGNORED, AnswerCollator
from recipes.finetuning.fine_tune import fine_tune, open_data
from recipes.finetuning.mix import Mix, Source
from recipes.finetuning.model import disk_errors, open_model, stops_of
from recipes.finetuning.samples import Sample
from recipes.finetuning.settings import TrainSettings
from recipes.finetuning.trainer import read_samples
from recipes.questions import open_questions
from tests.recipes.made import jpeg, make_folder, make_row
from tests.recipes.tiny_models import FAMILIES, save_tiny

ROOT = Path(__file__).parents[2]
COUNT = 24
EPOCHS = 20
SETTINGS = TrainSettings(batch_size=4, accumulate=2, epochs=EPOCHS, learning_rate=8e-3, workers=0, save_every=20,
                         gradient_checkpointing=False)
SAMPLES = EPOCHS * 36
STEPS = SAMPLES // 8


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


# ---------------------------------------------------------------- loss on answers


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def picture(width: int, height: int) -> Pillow.Image:
    return Pillow.fromarray(np.random.default_rng(width).integers(0, 255, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("family", FAMILIES)
def test_only_answers_count_and_each_ends(family: str, tmp_path: Path):
    """Of each family's template: one turn, two with a picture in the second, and none with a picture."""
    vlm = open_model(str(save_tiny(family, tmp_path)), TrainSettings())
    collator, image = AnswerCollator(vlm, stops_of(vlm.model, vlm.processor.tokenizer)), {"type": "image"}
    turns = [[("Is the red cube closer?", 2, "No, it is 1.5 meters")],
             [("Where?", 1, "A"), ("And the bed?", 1, "B. Yes")],
             [("Yes or no?", 0, "Yes")]]
    samples = [Sample("", "", [message for asked, count, said in each for message in (
        {"role": "user", "content": [*[image] * count, part(asked)]}, {"role": "assistant", "content": [part(said)]})],
        [picture(50 + i, 60) for i in range(sum(count for _, count, _ in each))]) for each in turns]
    batch = collator(samples)
    for row, each in enumerate(turns):
        counted = batch["labels"][row] != IGNORED
        assert (batch["input_ids"][row][counted] == batch["labels"][row][counted]).all()
        starts = (counted & ~counted.roll(1)).nonzero()[:, 0].tolist()
        assert len(starts) == len(each)
        for start, (_, _, said) in zip(starts, each):
            length = next(n for n in range(1, 99) if start + n == len(counted) or not counted[start + n])
            text = vlm.processor.tokenizer.decode(batch["labels"][row][start : start + length])
            assert text.strip().startswith(said) and text.strip() != said  # and the token that ends it
    nothing = collator([Sample("", "", samples[2].messages, [], problem="unreadable")])
    assert (nothing["labels"] == IGNORED).all()


# ---------------------------------------------------------------- a whole run


def _questions(folder: Path) -> Path:
    rows = [make_row("obj_spatial_relation_oo", i, "ABCD"[i * 7 % 4], ("left", "right", "above", "below"),
                     question=f"Where is thing{i}?\nA. left\nB. right\nC. above\nD. below", scene=f"room_{i % 3}",
                     image=[{"bytes": jpeg(9 * i), "path": "a.jpg"}]) for i in range(COUNT)]
    return make_folder(folder, rows)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """24 questions, 12 conversations, and a model that has seen neither."""
    folder = tmp_path_factory.mktemp("finetune")
    chats = [{"messages": [{"role": "user", "content": f"Say word{i}"}, {"role": "assistant", "content": f"word{i}"}],
              "image": jpeg(i)} for i in range(12)]
    features = Features({"messages": [{"role": Value("string"), "content": Value("string")}], "image": Image()})
    Dataset.from_list(chats, features=features).to_parquet(folder / "chats" / "train.parquet")
    bench = _questions(folder / "bench")
    texts = [row["question"] for row in open_questions(str(bench)).rows] + [
        message["content"] for chat in chats for message in chat["messages"]]
    model = make_tiny(texts, TinySize(width=32, layers=2, vision_width=16, picture=16, patch=8), seed=0)
    return {"bench": bench, "chats": folder / "chats", "model": model.save(folder / "model"), "out": folder / "out"}


def train(given: dict[str, Path], out: Path, settings: TrainSettings = SETTINGS) -> None:
    mix = Mix("mine", None, (Source("bench", str(given["bench"]), split="test"), Source("chats", str(given["chats"]))))
    fine_tune(str(given["model"]), open_data(mix, None, settings, progress=False), settings, out, progress=False)


@pytest.fixture(scope="module")
def trained(given: dict[str, Path]) -> Path:
    train(given, given["out"])
    return given["out"]


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]


def test_it_has_seen_what_the_mix_says(trained: Path):
    seen = lines(trained)
    assert [line["position"] for line in seen] == [*range(SAMPLES)]
    assert [line["step"] for line in seen] == [1 + i // 8 for i in range(SAMPLES)]
    for epoch in range(EPOCHS):
        times = Counter(line["uid"] for line in seen[36 * epoch : 36 * (epoch + 1)])
        assert len(times) == 36 and set(times.values()) == {1}
    told = json.loads((trained / "training.json").read_text())
    assert told["seen"]["bench"] == {
        "samples": EPOCHS * COUNT, "by_task": {"obj_spatial_relation_oo": EPOCHS * COUNT}, "without_loss": {}}
    assert told["seen"]["chats"]["samples"] == EPOCHS * 12
    assert len(told["mix"]["sources"]["bench"]["manifest_sha256"]) == 64
    assert [step["step"] for step in told["curve"]] == [*range(1, STEPS + 1)]


def test_it_has_learned_its_questions_and_spar_bench_runs_on_it(given: dict[str, Path], trained: Path, tmp_path: Path):
    curve = [step["loss"] for step in json.loads((trained / "training.json").read_text())["curve"]]
    assert np.mean(curve[-4:]) < 0.3 * np.mean(curve[:4])
    asking = AnswererSettings(prompts="bare", max_new_tokens=8, local=LocalSettings())
    scores = {}
    for name, model in (("before", given["model"]), ("after", trained / "model")):
        results = spar_bench.evaluate(open_questions(str(given["bench"])), str(model), tmp_path / name, asking=asking,
                                      progress=False)
        scores[name] = results.metrics["average"].value
    assert scores["before"] < 50 and scores["after"] > 80  # 25 by chance
    assert results.settings["counts"]["cut_short"] == 0  # it has learned to stop


def test_killed_and_resumed_it_sees_the_same_and_becomes_the_same(
    given: dict[str, Path], trained: Path, tmp_path: Path
):
    """Killed by force between two checkpoints."""
    code = ("import sys; from pathlib import Path; from tests.recipes.test_finetune import train, torch; "
            "torch.set_num_threads(1); train({k: Path(v) for k, v in zip(('bench', 'chats', 'model'), sys.argv[1:])}, "
            "Path(sys.argv[4]))")
    names = [str(given[name]) for name in ("bench", "chats", "model")]
    process = subprocess.Popen([sys.executable, "-c", code, *names, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL,
                               env=os.environ | {"PYTHONPATH": str(ROOT)})
    log, end = tmp_path / "samples.jsonl", time.monotonic() + 120
    while not (log.exists() and '"step": 45' in log.read_text()):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "model").exists() and not (tmp_path / "training.json").exists()
    assert STEPS > max(sample["step"] for sample in read_samples(log)) >= 45
    train(given, tmp_path)
    assert lines(tmp_path) == lines(trained)
    assert json.loads((tmp_path / "training.json").read_text())["curve"] == json.loads(
        (trained / "training.json").read_text())["curve"]
    resumed, whole = (load_file(out / "model" / "model.safetensors") for out in (tmp_path, trained))
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_a_folder_of_another_run_is_left_alone(given: dict[str, Path], trained: Path):
    with pytest.raises(InputError, match=r"holds another run \(other settings\); choose another --out or delete it"):
        train(given, trained, TrainSettings(**{**vars(SETTINGS), "seed": 1}))
    before = (trained / "training.json").read_bytes()
    train(given, trained)  # done already
    assert (trained / "training.json").read_bytes() == before


def test_adapters_are_trained_alone_and_merged(given: dict[str, Path], tmp_path: Path):
    pytest.importorskip("peft", reason="the extra `train` is not installed")
    settings = TrainSettings(**{**vars(SETTINGS), "epochs": 1, "save_every": 3, "lora": 2, "freeze_vision": True})
    train(given, tmp_path, settings)
    adapter = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert adapter and not any("vision" in name for name in adapter)
    before, after = (load_file(folder / "model.safetensors") for folder in (given["model"], tmp_path / "model"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert before.keys() == after.keys() and changed
    assert all("language_model" in name or "projector" in name for name in changed)
    again = tmp_path / "again"  # as a run that was killed in the end: it goes on from the adapters of its checkpoint
    again.mkdir()
    shutil.copytree(tmp_path / "checkpoints", again / "checkpoints")
    (again / "checkpoints" / "checkpoint-5" / "whole").unlink()  # killed while it wrote this one
    (again / "checkpoints" / "checkpoint-5" / "adapter_model.safetensors").write_bytes(b"half")
    for name in ("run.json", "samples.jsonl"):
        shutil.copy(tmp_path / name, again)
    train(given, again, settings)
    resumed = load_file(again / "adapter" / "adapter_model.safetensors")
    assert all(torch.equal(resumed[name], adapter[name]) for name in adapter)


def test_a_frozen_vision_tower_stays_as_it_was(given: dict[str, Path], trained: Path, tmp_path: Path):
    train(given, tmp_path, TrainSettings(**{**vars(SETTINGS), "epochs": 1, "freeze_vision": True}))
    before, frozen, all_of_it = (load_file(folder / "model.safetensors")
                                 for folder in (given["model"], tmp_path / "model", trained / "model"))
    seeing = [name for name in before if "vision" in name]
    assert seeing and all(torch.equal(before[name], frozen[name]) for name in seeing)
    assert not all(torch.equal(before[name], all_of_it[name]) for name in seeing)


def test_a_loss_that_is_no_number_ends_it(given: dict[str, Path], tmp_path: Path):
    settings = TrainSettings(**{**vars(SETTINGS), "learning_rate": 1e30, "epochs": 1, "save_every": 1})
    with pytest.raises(InputError, match=r"^step [23]: (loss|grad_norm) is nan; choose another --out"):
        train(given, tmp_path, settings)
    assert not (tmp_path / "model").exists() and (tmp_path / "checkpoints" / "checkpoint-1").exists()


def test_weights_that_cannot_be_written_are_an_error_of_the_disk(tmp_path: Path):
    """Their writers raise errors of their own kinds, for a full disk as for a folder that is not there."""
    for write in (lambda path: save_file({"a": torch.zeros(9)}, path), lambda path: torch.save(torch.zeros(9), path)):
        with pytest.raises(OSError, match="weights cannot be written") as failed, disk_errors():
            write(str(tmp_path / "none" / "a"))
        assert "\n" not in str(failed.value)


def test_rows_that_lack_pictures_later_on_end_it_in_one_line(given: dict[str, Path], tmp_path: Path):
    """Read by a worker, whose traceback nobody needs."""
    rows = [make_row("depth_prediction_oc", i, "1", image=[{"bytes": held, "path": "a"}])
            for i, held in enumerate((jpeg(9), None))]
    folder = make_folder(tmp_path / "some", rows)
    settings = TrainSettings(epochs=4, accumulate=1, workers=1)
    source = Source("some", str(folder), split="test", where={"question": (rows[0]["question"],)})
    data = open_data(Mix("m", None, (source,)), None, settings, progress=False)
    data.plan.row[4:] = 1 - data.plan.row[0]
    with pytest.raises(InputError, match=r"^some: .*refers to its pictures") as failed:
        fine_tune(str(given["model"]), data, settings, tmp_path / "out", progress=False)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_processes_share_a_step_in_the_order_of_the_plan(batch_size: int):
    """As accelerate deals batches out: what a step sees does not depend on how many processes there are."""
    total, step = 64, 16
    for processes in (1, 2, 4):
        dealt = []
        for process in range(processes):
            batches = BatchSampler(SequentialSampler(range(total)), batch_size, drop_last=False)
            loader = DataLoader(range(total), batch_sampler=BatchSamplerShard(batches, processes, process),
                                collate_fn=list)
            resumed = skip_first_batches(loader, step // batch_size // processes)  # after one step
            dealt.append([position for batch in resumed for position in batch])
        each = step // processes
        for number in range(total // step - 1):
            of_step = sorted(p for positions in dealt for p in positions[number * each : (number + 1) * each])
            assert of_step == [*range((number + 1) * step, (number + 2) * step)]
