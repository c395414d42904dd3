"""Run tasks of lmms-eval, in the environment that has it, and leave its files where recipes/compare.py reads them.

    python recipes/lmms.py --tasks vsibench,blink --model Qwen/Qwen2.5-VL-7B-Instruct --lmms-model qwen2_5_vl \\
        --python /path/to/lmms/bin/python --out build/runs/qwen_vsi

lmms-eval pins other versions than this project, so it wants an environment of its own (pip install lmms-eval==0.7.3):
name its Python with --python, or in LMMS_EVAL_PYTHON. What is run is printed. lmms-eval ends with exit code 0 also
where it failed; here that is an error. recipes/run.py runs it, too: recipe lmms_eval in a file of recipes/configs. Exit
codes: 0 done; 1 failed; 2 bad arguments or input, or lmms-eval is not installed.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from builders.errors import InputError
from recipes.comparison.lmms_eval import newest

PYTHON = "LMMS_EVAL_PYTHON"
_IS_THERE = "import importlib.util, sys; sys.exit(importlib.util.find_spec('lmms_eval') is None)"


def interpreter(python: str = "") -> str:
    """The Python that has lmms-eval: the one named, or in ``LMMS_EVAL_PYTHON``, or this one.

    Raises:
        InputError: it is no program, or lmms-eval is not installed for it.
    """
    chosen = python or os.environ.get(PYTHON) or sys.executable
    if not shutil.which(chosen):
        raise InputError(f"--python {chosen}: no such program")
    if subprocess.run([chosen, "-c", _IS_THERE]).returncode:
        raise InputError(f"lmms-eval is not installed for {chosen}: pip install lmms-eval==0.7.3 into an environment "
                         f"of its own, and name its Python: --python or {PYTHON}")
    return chosen


def command(
    python: str, tasks: str, model: str, lmms_model: str, model_args: str, out: Path, batch_size: int, limit: int,
    gpus: int,
) -> list[str]:
    """What is run."""
    program = ["-m", "accelerate.commands.launch", "--num_processes", str(gpus), "-m", "lmms_eval"] if gpus > 1 else [
        "-m", "lmms_eval"]
    arguments = ",".join(filter(None, [f"pretrained={model}", model_args]))
    given = [python, *program, "--model", lmms_model, "--model_args", arguments, "--tasks", tasks, "--batch_size",
             str(batch_size), "--log_samples", "--output_path", str(out)]
    return given + (["--limit", str(limit)] if limit else [])


app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    tasks: Annotated[str, typer.Option(help="Names that lmms-eval knows (python -m lmms_eval --tasks list), with "
                                       "commas between them.")],
    model: Annotated[str, typer.Option(help="A Hub id or a folder: what lmms-eval is given as pretrained=.")],
    lmms_model: Annotated[str, typer.Option(help="lmms-eval's name for what runs it, such as qwen2_5_vl.")],
    out: Annotated[Path, typer.Option(help="The folder for lmms-eval's files.")],
    model_args: Annotated[str, typer.Option(help="Further arguments of that model: KEY=VALUE,KEY=VALUE.")] = "",
    batch_size: Annotated[int, typer.Option(min=1, help="Questions the model gets at once.")] = 1,
    limit: Annotated[int, typer.Option(min=0, help="Only the first so many questions of each task; 0: all.")] = 0,
    gpus: Annotated[int, typer.Option(min=0, metavar="N", help="A process on each of N GPUs (accelerate).")] = 0,
    python: Annotated[str, typer.Option(help=f"The Python that has lmms-eval; default: {PYTHON}, or this one.")] = "",
) -> None:
    given = command(interpreter(python), tasks, model, lmms_model, model_args, out, batch_size, limit, gpus)
    print(shlex.join(given), flush=True)
    before = newest(out)
    code = subprocess.run(given).returncode
    written = newest(out)
    if code or written is None or written == before:
        why = f"exit code {code}" if code else "it wrote no results"
        raise OSError(f"lmms-eval failed ({why}); what it said stands above")
    print(written)


if __name__ == "__main__":
    run_command(app)
