"""The dataset card: YAML that ``load_dataset`` reads, and a page people read, both derived from the finished folder."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
from huggingface_hub import DatasetCard, DatasetCardData

from builders.hub.dataset import HubBuilder
from builders.hub.files import replacing

TEMPLATES = Path(__file__).parents[2] / "hub_cards"

UNPUBLISHED = "PATH_OR_REPO"
"""What examples of a card say while nobody knows where the folder will be."""

_SIZE_BINS = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
              (10_000_000, "1M<n<10M"))


def write_card(builder: HubBuilder, folder: Path, manifest: dict[str, Any]) -> None:
    """Render ``hub_cards/<dataset>.md.jinja`` into ``README.md``."""
    tasks = {name: _task_counts(folder, name, manifest) for name in manifest["rows"]}
    tasks = {name: counts for name, counts in tasks.items() if counts}
    card = DatasetCard.from_template(
        _card_data(builder, folder, manifest),
        template_path=str(TEMPLATES / f"{builder.name}.md.jinja"),
        manifest=manifest,
        tasks=tasks,
    )
    with replacing(folder / "README.md") as temporary:
        temporary.write_text(str(card))


def published_card(text: str, repo: str, gating: Mapping[str, Any]) -> str:
    """A folder's card as the repository shows it: examples name the repository.

    Args:
        gating: more fields of the YAML (``extra_gated_prompt``, ``extra_gated_fields``, ...).
    """
    card = DatasetCard(text.replace(UNPUBLISHED, repo), ignore_metadata_errors=False)
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
    data = DatasetCardData(
        language=["en"],
        license="other",
        license_name="see-sources",
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


def _task_counts(folder: Path, name: str, manifest: dict[str, Any]) -> dict[str, int]:
    """Rows per task of one ``config/split``; empty where rows are no questions."""
    counts: Counter[str] = Counter()
    for path in manifest["files"]:
        if path.startswith(f"{name}-") and "task" in pq.read_schema(folder / path).names:
            counts.update(pq.read_table(folder / path, columns=["task"])["task"].to_pylist())
    return dict(sorted(counts.items()))
