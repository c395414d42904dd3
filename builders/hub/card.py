"""The dataset card: YAML that ``load_dataset`` reads, and a page people read, both derived from the finished folder.

Words are in ``hub_cards``: a template for each dataset, the parts that all of them have, what columns mean, and what
each version brought. Nothing that can be counted is written there.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import yaml
from huggingface_hub import DatasetCard, DatasetCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from builders.errors import InputError
from builders.hub.card_facts import count_facts
from builders.hub.card_pictures import draw_pictures
from builders.hub.dataset import HubBuilder
from builders.hub.files import replacing

TEMPLATES = Path(__file__).parents[2] / "hub_cards"

_LOADED = re.compile(r'(?<=load_dataset\(")\./[^"]*(?=")')
"""What examples of an unpublished card load: the folder, from beside it."""

_SIZE_BINS = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
              (10_000_000, "1M<n<10M"))


def write_card(builder: HubBuilder, folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Render ``hub_cards/<dataset>.md.jinja`` into ``README.md``, with pictures beside it.

    Returns:
        What the manifest says of the pictures: path -> sha256 and bytes.
    """
    facts = count_facts(builder, folder, manifest)
    drawn = draw_pictures(builder, folder, manifest, facts)
    page = _environment().get_template(f"{builder.name}.md.jinja").render(
        card_data=_card_data(builder, folder, manifest).to_yaml(),
        manifest=manifest,
        here=f"./{folder.resolve().name}",
        facts=facts,
        kind_name=builder.KIND,
        pictures=drawn.paths,
        examples=drawn.examples,
        dead_zone=drawn.dead_zone,
        columns=column_tables(builder, manifest),
        releases=_words("releases.yaml")[builder.name],
    )
    with replacing(folder / "README.md") as temporary:
        temporary.write_text(page)
    return drawn.files


def published_card(text: str, repo: str, gating: Mapping[str, Any]) -> str:
    """A folder's card as the repository shows it: examples name the repository.

    Args:
        gating: more fields of the YAML (``extra_gated_prompt``, ``extra_gated_fields``, ...).
    """
    card = DatasetCard(_LOADED.sub(repo, text), ignore_metadata_errors=False)
    if gating:
        for name, value in gating.items():
            setattr(card.data, name, value)
        return str(card)
    return card.content


def size_category(rows: int) -> str:
    """The Hub's size bin.

    Example:
        >>> size_category(7211)
        '1K<n<10K'
    """
    return next((name for bound, name in _SIZE_BINS if rows < bound), "n>10M")


def column_tables(builder: HubBuilder, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A table for all configs with questions, and one for each other config, from the features themselves.

    Raises:
        InputError: nobody has written down what a column means.
    """
    configs = list(dict.fromkeys(split.split("/")[0] for split in manifest["rows"]))
    asking = [config for config in configs if builder.KIND in builder.config_features(config)]
    tables = [_column_table(builder, asking, "")] if asking else []
    return tables + [_column_table(builder, [config], config) for config in configs if config not in asking]


def _column_table(builder: HubBuilder, configs: list[str], config: str) -> dict[str, Any]:
    words = _words("columns.yaml")
    meanings = words["shared"] | words.get(builder.name, {}) | words.get(f"{builder.name}/{config}", {})
    features = {name: feature for held in configs for name, feature in builder.config_features(held).items()}
    unknown = [name for name in features if name not in meanings]
    if unknown:
        raise InputError(f"column {unknown[0]} of {builder.name}: say in {TEMPLATES.name}/columns.yaml what it means")
    held_by = {name: [held for held in configs if name in builder.config_features(held)] for name in features}
    return {"config": config, "columns": [
        {"name": name, "type": type_of(feature), "meaning": " ".join(meanings[name].split()),
         "only": held_by[name] if len(held_by[name]) < len(configs) else []} for name, feature in features.items()]}


def type_of(feature: Any) -> str:
    """A feature in a word or two.

    Example:
        >>> type_of(datasets.List(datasets.Value("string"))), type_of(datasets.List(datasets.Image()))
        ('list of string', 'list of image')
    """
    if isinstance(feature, datasets.List):
        return f"list of {type_of(feature.feature)}"
    if isinstance(feature, dict):
        return "struct"
    return feature.dtype if isinstance(feature, datasets.Value) else type(feature).__name__.lower()


@cache
def _environment() -> Environment:
    """Templates in which a name that nobody has set is an error, never an empty place."""
    return Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True)


@cache
def _words(name: str) -> Any:
    return yaml.safe_load((TEMPLATES / name).read_text())
def _card_data(builder: HubBuilder, folder: Path, manifest: dict[str, Any]) -> DatasetCardData:
    configs: dict[str, dict[str, int]] = {}
    for name, rows in manifest["rows"].items():
        config, split = name.split("/")
        configs.setdefault(config, {})[split] = rows
    infos = {}
    for config, splits in configs.items():
        features = builder.config_features(config)
        info = datasets.DatasetInfo(features=features, config_name=config, version=builder.VERSION)
        info.splits = datasets.SplitDict()
        for split, rows in splits.items():
            shards = [path for path in manifest["files"] if path.startswith(f"{config}/{split}-")]
            size = sum(_arrow_bytes(folder / path) for path in shards)
            info.splits[split] = datasets.SplitInfo(split, num_bytes=size, num_examples=rows)
        info.download_size = sum(f["bytes"] for path, f in manifest["files"].items() if path.startswith(f"{config}/"))
        info.dataset_size = sum(split.num_bytes for split in info.splits.values())
        infos[config] = info
    free = all("CC0-1.0" in licence for licence in manifest["licences"].values())
    data = DatasetCardData(
        language=["en"],
        license="cc0-1.0" if free else "other",
        license_name=None if free else "see-sources",
        pretty_name=builder.name.replace("_", "-"),
        task_categories=["visual-question-answering", "image-text-to-text"],
        size_categories=[size_category(manifest["questions"])],
        tags=["spatial-reasoning", "vision-language-models", "vantage"],
        configs=[
            {
                "config_name": config,
                "version": manifest["version"],
                "data_files": [{"split": split, "path": f"{config}/{split}-*.parquet"} for split in splits],
            }
            | ({"default": True} if config == builder.DEFAULT_CONFIG_NAME else {})
            for config, splits in configs.items()
        ],
    )
    datasets.info.DatasetInfosDict(infos).to_dataset_card_data(data)
    return data


def _arrow_bytes(path: Path) -> int:
    """Uncompressed bytes of a shard, dictionaries counted once."""
    metadata = pq.read_metadata(path)
    return sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
