"""Build a dataset: scenes in, a Hub-ready folder out.

    python scripts/build.py spar_bench --out build/bench                              # procedural rooms
    python scripts/build.py spar_bench --source scannet=/data/scannet/scans --out build/bench
    python scripts/build.py spatial_tunnel --out build/tunnel                         # needs no scenes
    python scripts/build.py embspatial_tagged --source hub --out build/embspatial     # the published benchmark
    python scripts/build.py describe --source scannet=/data/scannet/scans             # scenes, frames, what is missing
    python scripts/build.py tasks --source scannet=/data/scannet/scans                # what can be asked of them
    python scripts/build.py review build/bench --out review.csv                       # to judge rows by hand
    python scripts/build.py spar_bench ... --out build/bench --review review.csv      # without the rejected ones

    python scripts/build.py status build/bench                                        # how far a build is
    python scripts/build.py spar_bench ... --shard-index 3 --num-shards 64            # on one of 64 machines, then:
    python scripts/build.py merge build/bench

The folder loads with datasets.load_dataset(DIR). Run the same command again after an interruption: finished scenes are
kept. Exit codes: 0 done; 1 failed; 2 bad arguments or input; 3 done, but some scenes were quarantined.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from builders import BUILDERS, builder_class
from builders.command import run_command
from builders.errors import InputError
from builders.hub.build_command import note_command, read_command
from builders.hub.dataset import HubBuilder
from builders.hub.folder import BuildResult, build_folder, build_shard, merge_folder, prepare_output
from builders.hub.sharding import shard_of
from builders.hub.status import as_lines, read_status
from builders.hub.worker import RunSettings
from builders.scenes import SOURCES, open_source
from builders.scenes.describe import HEAD as HEAD_OF_SOURCES
from builders.scenes.describe import describe as describe_source
from builders.settings import apply_settings, settable
from builders.spar.availability import first_scene, missing
from builders.spar.catalogue import HEAD, as_markdown, task_lines
from builders.spar.limits import Limits
from builders.spar.review import rows_to_review, write_review
from builders.spar.tasks import TASKS
from builders.tagged.report import tables

OWN_OPTIONS = ("name", "version", "data_dir", "data_files", "description", "sources", "scenes", "scene_ids", "seed",
               "renderer", "pixels", "review", "only")
"""Configuration fields that have an option of their own and cannot be given with --set."""


RUN = RunSettings()


class Datasets(TyperGroup):
    """A command per dataset; a name that is none of them ends in one line."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise InputError(f"unknown dataset or command {args[0]!r}; choose one of: {', '.join(self.commands)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(help=__doc__, cls=Datasets, rich_markup_mode=None, add_completion=False, no_args_is_help=True,
                  pretty_exceptions_enable=False)


def build(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The folder to make; new, empty, or an earlier build to finish.")],
    source: Annotated[list[str], typer.Option(metavar="NAME[=ROOT]", help="Scenes: procedural, or NAME=FOLDER of "
                                              f"{', '.join(name for name in SOURCES if name != 'procedural')}; may be "
                                              "repeated. Published benchmarks: hub[=REPO[@REVISION]], or file=PATH "
                                              "[default: procedural; cv_bench_tagged: hub]")] = [],  # noqa: B006
    config: Annotated[str, typer.Option(help="Write this config of the dataset only, such as tiny of "
                                        "spar_bench or a task of spar_7m (default: all).")] = "",
    scenes: Annotated[int, typer.Option(min=0, help="At most this many scenes of each source; 0: all "
                                        "(procedural: 6).")] = 0,
    scene_id: Annotated[list[str], typer.Option(metavar="ID", help="Only this scene. May be repeated.")] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Of rooms and questions.")] = 0,
    engine: Annotated[str, typer.Option(help="What runs the scenes: local (processes of this machine) or ray (a "
                                        "cluster; needs the extra ray).")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Processes. One local worker is this process itself: a scene that "
                                         "crashes it ends the build, and no limit holds.")] = 1,
    scene_seconds: Annotated[float, typer.Option(min=0, help="A scene that takes longer is ended; 0: no "
                                                 "limit.")] = RUN.seconds,
    scene_gb: Annotated[float, typer.Option(min=0, help="Memory that a worker may take; 0: no limit.")] = RUN.gigabytes,
    tries: Annotated[int, typer.Option(min=1, help="A scene that so many workers have died of is "
                                       "quarantined.")] = RUN.tries,
    recycle: Annotated[int, typer.Option(min=0, help="Scenes after which a worker is replaced, against leaks; 0: "
                                         "never.")] = RUN.recycle,
    gpus: Annotated[float, typer.Option(min=0, help="GPUs of each worker, such as 0.25 (engine ray).")] = RUN.gpus,
    ray_address: Annotated[str, typer.Option(metavar="ADDRESS", help="A running cluster: auto, HOST:6379 or "
                                             "ray://HOST:10001 [default: RAY_ADDRESS, else one is started "
                                             "here]")] = RUN.ray_address,
    reserve_gb: Annotated[float, typer.Option(min=0, help="The build stops when less than this is free on the "
                                              "disk.")] = RUN.reserve_gb,
    shard_index: Annotated[int | None, typer.Option(min=0, help="Make the parts of this shard alone, see 'merge' "
                                                    "[default: SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX]")] = None,
    num_shards: Annotated[int | None, typer.Option(min=1, help="Shards in all; 1: everything here [default: "
                                                   "VANTAGE_NUM_SHARDS or SLURM_ARRAY_TASK_COUNT]")] = None,
    renderer: Annotated[str, typer.Option(help="For procedural rooms and the tunnel: cycles or raycast (fast, "
                                  "plain).")] = "cycles",
    pixels: Annotated[str, typer.Option(help="embedded, referenced, or auto: embeds what may be passed on.")] = "auto",
    review: Annotated[str, typer.Option(metavar="FILE", help="Verdicts (uid, verdict, note; CSV or JSONL), see "
                                        "'review': rejected rows are left out, and others take their places where a "
                                        "task has spare ones.")] = "",
    set_: Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="A named setting; a wrong key lists "
                                            "them all. May be repeated.")] = [],  # noqa: B006
) -> None:
    name = context.info_name or ""
    if config and config not in builder_class(name).CONFIG_NAMES:
        raise InputError(f"--config {config}: {name} has the configs {', '.join(builder_class(name).CONFIG_NAMES)}")
    options = {"scenes": scenes, "scene_ids": tuple(scene_id), "seed": seed, "renderer": renderer, "pixels": pixels,
               "review": review, "only": config} | ({"sources": tuple(source)} if source else {})
    command = {"dataset": name, "config": config, "set": set_,
               "options": applicable(context, builder_class(name).BUILDER_CONFIG_CLASS, options)}
    builder = builder_of(command)
    shard = shard_of(shard_index, num_shards)
    settings = RunSettings(tries, scene_seconds, scene_gb, recycle, gpus, ray_address, reserve_gb)
    print(builder.expectation(), flush=True)
    prepare_output(builder, out, engine)
    note_command(out, command, joins=shard is not None)
    if shard is None:
        finish(build_folder(builder, out, workers, engine, only_config=config, settings=settings))
        return
    outcomes = build_shard(builder, out, shard, workers, engine, settings=settings)
    quarantined = [outcome for outcome in outcomes if not outcome.done]
    print(f"{out}: shard {shard.index} of {shard.count}: {len(outcomes) - len(quarantined)} of {len(outcomes)} parts "
          f"({sum(outcome.reused for outcome in outcomes)} reused); when all shards are done: build.py merge {out}")
    for outcome in quarantined:
        print(f"quarantined: {outcome.ref.name}: {outcome.quarantined}", file=sys.stderr)
    if quarantined:
        raise typer.Exit(3)


def builder_of(command: Mapping[str, Any]) -> HubBuilder:
    """The builder that a command line asks for."""
    cls = builder_class(command["dataset"])
    made: dict[str, Any] = apply_settings(cls.BUILDER_CONFIG_CLASS(), command["set"], OWN_OPTIONS)
    lists = {name: tuple(value) for name, value in command["options"].items() if isinstance(value, list)}
    return cls(**command["options"] | lists | made)


def finish(result: BuildResult) -> None:
    """Say what was built, and whether scenes are missing."""
    report(result)
    if result.manifest["quarantined"]:
        raise typer.Exit(3)


def applicable(context: typer.Context, configuration: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a dataset's configuration knows; ``InputError`` if another one was given."""
    known = {f.name for f in fields(configuration)}
    for parameter, option in (("source", "sources"), ("scenes", "scenes"), ("scene_id", "scene_ids"), ("seed", "seed"),
                              ("renderer", "renderer"), ("pixels", "pixels"), ("review", "review")):
        given = context.get_parameter_source(parameter)
        if option not in known and given is not None and given.name != "DEFAULT":
            why = ", which is made from no scans" if "sources" not in known else ""
            raise InputError(f"--{parameter.replace('_', '-')} does not apply to {context.info_name}{why}")
    return {option: value for option, value in options.items() if option in known}


def report(result: BuildResult) -> None:
    """Print what was built: rows, where proposals went, what pictures cost, what was left out."""
    manifest = result.manifest
    unit = manifest["settings"].get("unit", "scenes")
    print(f"{result.folder}: {manifest['dataset']} {manifest['version']}, {len(manifest['scenes'])} {unit} "
          f"({result.reused} reused from an earlier build)")
    for name, rows in manifest["rows"].items():
        images = manifest["images"][name]
        cost = ", ".join(f"{images[key] / 1e6:.1f} MB {key.removesuffix('_bytes')}"
                         for key in ("stored_bytes", "unique_bytes", "plain_bytes"))
        pictures = f"{images['references']} embedded ({cost})" if images["references"] else "none embedded"
        print(f"  {name}: {rows} rows; pictures: {pictures}")
    read, kept = (sum(scene[key] for scene in manifest["scenes"]) for key in ("frames_read", "keyframes"))
    if "sources" in manifest["settings"]:
        print(f"  keyframes: {kept} of {read} frames ({1 - kept / read:.0%} removed)")
    if "tags" in manifest:
        for table in tables(manifest):
            print(f"  {table.title}")
            print_table(table.head, table.lines)
    if any(manifest["rejected"].values()) or "tags" not in manifest:
        print_table(("task", "rows to choose from", "proposals not asked, most frequent reasons"), [
            (task, ", ".join(f"{n} {form}" for form, n in formats.items()) or "0", _reasons(manifest["rejected"][task]))
            for task, formats in manifest["made"].items()
        ])
    outcome = manifest.get("review")
    if outcome:
        print(f"  review: {outcome['accepted']} accepted, {outcome['rejected']} rejected and left out, "
              f"{outcome['unreviewed']} without verdict")
        if outcome["unknown"]:
            print(f"  review: {outcome['unknown']} uids are of no row of this build, among them "
                  f"{', '.join(outcome['unknown_first'])}", file=sys.stderr)
    for source, how in manifest["settings"]["pixels"].items():
        if how == "referenced":
            print(f"  {source}: pictures are referenced, not embedded; builders.attach_images puts them back from your "
                  "copy. Licence: " + manifest["licences"][source])
    for scene in manifest["quarantined"]:
        print(f"quarantined: {scene['source']}/{scene['scene_id']}: {scene['reason']}", file=sys.stderr)


def _reasons(counts: Mapping[str, int], most: int = 3) -> str:
    """The most frequent reasons and how many others there are."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    others = [f"{sum(n for _, n in ordered[most:])} other"] if len(ordered) > most else []
    return ", ".join([f"{count} {reason}" for reason, count in ordered[:most]] + others) or "-"


def print_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    for line in (head, *lines):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


for _name in BUILDERS:
    app.command(_name, help=f"Build {_name}. Settings for --set, with defaults: see 'settings {_name}'.")(build)


@app.command()
def merge(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where shards have made their parts.")],
    config: Annotated[str, typer.Option(help="Write this config only [default: as the shards were told]")] = "",
    workers: Annotated[int, typer.Option(min=1, help="Processes, each for a config and split at a time; "
                                         "below 200 MB of parts one does it all.")] = 1,
    reserve_gb: Annotated[float, typer.Option(min=0, help="Stays free on the disk.")] = RUN.reserve_gb,
) -> None:
    """Make the folder from the parts of all shards (--shard-index), with the options that these were given. Relative
    paths among them are taken from where this command runs."""
    command = read_command(folder)
    builder = builder_of(command)
    settings = RunSettings(reserve_gb=reserve_gb)
    finish(merge_folder(builder, folder, workers, config or command["config"], settings=settings))


@app.command()
def status(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A build, running or not.")]) -> None:
    """Say how far a build is: parts, rate, time left, quarantined scenes with their reasons, disk."""
    print("\n".join(as_lines(folder, read_status(folder))))


@app.command()
def settings(dataset: Annotated[str, typer.Argument(help=f"One of: {', '.join(BUILDERS)}.")]) -> None:
    """List what --set can change, with the defaults."""
    for key, value in sorted(settable(builder_class(dataset).BUILDER_CONFIG_CLASS(), OWN_OPTIONS).items()):
        print(f"{key}={','.join(map(str, value)) if isinstance(value, tuple) else value}")


@app.command()
def tasks(
    source: Annotated[list[str], typer.Option(metavar="NAME[=ROOT]", help="Also say whether the scenes of this source "
                                              "can serve each task. May be repeated.")] = [],  # noqa: B006
    markdown: Annotated[bool, typer.Option("--markdown", help="Print builders/spar/tasks/README.md.")] = False,
) -> None:
    """List the task types of SPAR-7M and SPAR-Bench, and whether sources can serve them, judged by one scene each."""
    if markdown:
        print(as_markdown(TASKS.values()), end="")
        return
    scenes = {spec.partition("=")[0]: first_scene(open_source(spec)) for spec in source}
    limits = Limits()
    lines = []
    for task, line in zip(TASKS.values(), task_lines(TASKS.values()), strict=True):
        served = [f"no ({reason})" if (reason := missing(task, scene, limits)) else "yes" for scene in scenes.values()]
        lines.append((*line[:-1], *served, line[-1]))
    print_table((*HEAD[:-1], *scenes, HEAD[-1]), lines)


@app.command()
def describe(
    source: Annotated[list[str], typer.Option(metavar="NAME[=ROOT]", help="May be repeated.")],
    scenes: Annotated[int, typer.Option(min=0, help="Look at so many scenes of each source; 0: at all (procedural: "
                                        "6).")] = 0,
) -> None:
    """Say what sources hold, and what is missing, without reading pictures or meshes: scenes, splits, frames,
    annotated objects. Frames without a usable pose and walls are counted, too."""
    found = [(spec.partition("=")[0], describe_source(open_source(spec), scenes)) for spec in source]
    print_table(HEAD_OF_SOURCES, [described.line(name) for name, described in found])
    for name, described in found:
        for problem in described.problems():
            print(f"{name}: {problem}", file=sys.stderr)


@app.command()
def review(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder made by this script.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="A new file: CSV, or JSONL if its name ends so.")],
) -> None:
    """Write a review list: a line per question. Fill in the column verdict (accept or reject; empty keeps the row) and
    build again with --review FILE. The columns question and answer are to be read beside it, and ignored then."""
    count = write_review(out, rows_to_review(folder))
    print(f"{out}: {count} questions; fill in the column verdict (accept or reject), then build with --review {out}")


if __name__ == "__main__":
    run_command(app)
