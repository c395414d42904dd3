"""Publish a built folder as a version of a dataset on the Hugging Face Hub, or metrics as Spaces.

    python scripts/push.py build/bench --repo org/SPAR-Bench --dry-run     # what would be done
    python scripts/push.py build/bench --repo org/SPAR-Bench               # one commit, then the tag v<version>
    python scripts/push.py metrics/mra --repo org/mra --metrics            # one metric
    python scripts/push.py metrics --repo org --metrics                    # all of them, a Space each

Readers pin the version: load_dataset("org/SPAR-Bench", revision="v0.2.0"). A published version never changes: a folder
whose rows differ from it is refused with the differences, until the version is bumped. After a failure, run the same
command again. The token is that of 'hf auth login', or HF_TOKEN; HF_ENDPOINT chooses another Hub.
Exit codes: 0 done, or nothing to do; 1 failed, run it again; 2 refused: one of the lines says what to do.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from huggingface_hub import HfApi

from builders.command import run_command
from builders.errors import InputError
from builders.hub.publish import carry_out, plan_push
from builders.hub.repository import SPACE, HubRepo, give_up_after
from builders.hub.spaces import metric_folders, plan_space, push_space

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder made by scripts/build.py; with --metrics, a "
                                           "metric or a folder of metrics.")],
    repo: Annotated[str, typer.Option(metavar="ORG/NAME", help="The repository; it is made if there is none. For a "
                                      "folder of metrics: ORG.")],
    private: Annotated[bool, typer.Option("--private", help="A repository that has to be made is private.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="Push metrics as Spaces.")] = False,
    gated: Annotated[str, typer.Option(metavar="FILE", help="Let the Hub ask readers for their consent, with the "
                                       "extra_gated_prompt, extra_gated_fields, ... of this YAML file.")] = "",
) -> None:
    give_up_after(seconds=120)
    api = HfApi()
    if metrics:
        push_metrics(folder, repo, api, private, dry_run)
        return
    if "/" not in repo:
        raise InputError(f"--repo {repo}: expected ORG/NAME, such as {repo}/{folder.resolve().name}")
    plan = plan_push(folder, HubRepo(repo, api), gating(gated), progress=True)
    print("\n".join(plan.lines() + ["  readers are asked for their consent"] * bool(gated)), flush=True)
    if dry_run:
        print("dry run: nothing was done")
        return
    oid = carry_out(plan, private, bool(gated))
    print(f"{repo}: {plan.tag} is commit {oid[:8]}; load_dataset({repo!r}, revision={plan.tag!r})")


def push_metrics(folder: Path, repo: str, api: HfApi, private: bool, dry_run: bool) -> None:
    """One Space for each metric; those that are as they should be stay untouched."""
    folders = metric_folders(folder.resolve())
    plans = [plan_space(path, HubRepo(repo if "/" in repo else f"{repo}/{path.name}", api, SPACE)) for path in folders]
    for plan in plans:
        print("\n".join(plan.lines()), flush=True)
        if not dry_run:
            push_space(plan, private)
    if dry_run:
        print("dry run: nothing was done")


def gating(file: str) -> dict[str, Any]:
    """The gating fields of a YAML file; ``InputError`` for other fields."""
    if not file:
        return {}
    try:
        fields = yaml.safe_load(Path(file).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{file}: not readable as YAML ({str(error).splitlines()[0]})") from error
    if not fields or not isinstance(fields, dict) or not all(str(name).startswith("extra_gated_") for name in fields):
        raise InputError(f"{file}: expected fields whose names begin with extra_gated_")
    return fields


if __name__ == "__main__":
    run_command(app)
