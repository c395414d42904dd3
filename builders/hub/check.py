"""Whether a finished folder may be published: its files, its card and its manifest say the same, and no licence forbids
to pass its pictures on."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
from huggingface_hub import DatasetCard

from builders.hub.card_pictures import is_card_picture
from builders.hub.files import is_safe_name
from builders.hub.manifest import file_problems
from builders.hub.shards import SHARD_NAME
from builders.scenes import may_be_passed_on


def folder_problems(folder: Path, manifest: Mapping[str, Any], progress: bool = False) -> list[str]:
    """What differs between the files, the card and the manifest, one line each; each line begins with a file's name.

    Args:
        progress: show a bar while checksums are computed.
    """
    foreign = [f"{name}: not the name of a shard" for name in manifest["files"] if not is_shard(name)]
    foreign += [f"{name}: not a picture of a card" for name in manifest.get("card", {}) if not is_card_picture(name)]
    foreign += [f"manifest.json: {split!r} is not CONFIG/SPLIT" for split in manifest["rows"]
                if split.count("/") != 1 or not all(map(is_safe_name, split.split("/")))]
    problems = foreign or file_problems(folder, manifest, progress)
    return problems or _row_problems(folder, manifest) + _card_problems(folder, manifest)


def is_shard(name: str) -> bool:
    """Whether a path in a repository is ``<config>/<split>-00000-of-00001.parquet``.

    Example:
        >>> is_shard("tiny/test-00000-of-00001.parquet"), is_shard("../test-00000-of-00001.parquet")
        (True, False)
    """
    config, _, shard = name.partition("/")
    return is_safe_name(config) and SHARD_NAME.fullmatch(shard) is not None


def _row_problems(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Rows per file, and per config and split."""
    problems, sums = [], dict.fromkeys(manifest["rows"], 0)
    for name, entry in manifest["files"].items():
        rows = pq.read_metadata(folder / name).num_rows
        if rows != entry["rows"]:
            problems.append(f"{name}: has {rows} rows, the manifest says {entry['rows']}")
        split = name.rpartition("/")[0] + "/" + name.rpartition("/")[2].split("-")[0]
        sums[split] = sums.get(split, 0) + rows
    return problems + [f"manifest.json: says {manifest['rows'].get(split, 0)} rows of {split}, its files have {rows}"
                       for split, rows in sums.items() if rows != manifest["rows"].get(split)]


def _card_problems(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """The YAML that ``load_dataset`` goes by."""
    try:
        data = DatasetCard((folder / "README.md").read_text()).data
        entries = data.to_dict()["configs"]
        versions = {entry["config_name"]: str(entry.get("version")) for entry in entries}
        read = {f"{entry['config_name']}/{part['split']}": part["path"]
                for entry in entries for part in entry["data_files"]}
        infos = datasets.info.DatasetInfosDict.from_dataset_card_data(data)
    except FileNotFoundError:
        return ["README.md: missing"]
    except Exception as error:  # YAML that cannot be read, or not as a dataset card
        return [f"README.md: its YAML cannot be read ({str(error).splitlines()[0]})"]
    configs = {name.split("/")[0] for name in manifest["rows"]}
    problems = [f"README.md: version {version} of config {config}, the manifest says {manifest['version']}"
                for config, version in versions.items() if version != manifest["version"]]
    if set(versions) != configs:
        problems.append(f"README.md: has the configs {_listed(versions)}, the manifest {_listed(configs)}")
    problems += [f"README.md: reads {split} from {path!r}, expected '{split}-*.parquet'"
                 for split, path in read.items() if path != f"{split}-*.parquet"]
    for name in manifest["files"]:
        config = name.split("/")[0]
        wanted = datasets.Features.from_arrow_schema(pq.read_schema(folder / name))
        if config in infos and infos[config].features != wanted:
            problems.append(f"{name}: its columns differ from those of {config} in README.md")
    counted = manifest["rows"] if infos or "settings" in manifest else {}  # the card of an import of JSONL has no sizes
    for split, rows in counted.items():
        config, _, name = split.partition("/")
        told = (infos[config].splits or {}).get(name) if config in infos else None
        if told is None or told.num_examples != rows:
            said = told.num_examples if told else "no"
            problems.append(f"README.md: says {said} rows of {split}, the manifest {rows}")
    return problems


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def licence_problems(manifest: Mapping[str, Any]) -> list[str]:
    """Sources whose pixels are in the folder and may not be passed on, one line each; a folder that names no licence,
    as an import of JSONL, may not be passed on at all."""
    if not manifest.get("licences") or "settings" not in manifest:
        return ["manifest.json: names no licence of the scenes; publish a folder made by scripts/build.py"]
    pixels = manifest["settings"]["pixels"]
    embedded = [source for source, how in pixels.items() if how == "embedded"]
    unsaid = [f"manifest.json: does not say whether pixels of {source} are embedded; build again"
              for source in manifest["licences"] if source not in pixels]
    return unsaid + [f"manifest.json: pixels of {source} are embedded, and they may not be passed on ("
            f"{manifest['licences'].get(source, 'licence unknown')}); build again with --pixels referenced"
            for source in embedded if not may_be_passed_on(source)]
