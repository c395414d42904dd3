"""Which labels are asked about: names of things. Structure and catch-all names occlude, and nothing else."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from builders.scenes.scene import Scene

EXCLUDED_LABELS = (
    # structure: present everywhere, without a place of its own
    "wall", "walls", "floor", "floors", "ceiling", "roof", "ground", "beam", "column", "pillar", "structure",
    "other structure", "otherstructure",
    # catch-alls: they do not name a thing
    "object", "objects", "unknown", "unlabeled", "unlabelled", "unannotated", "undefined", "void", "none", "null",
    "nan", "misc", "miscellaneous", "other", "others", "other furniture", "otherfurniture", "other prop", "otherprop",
    "item", "items", "stuff", "thing", "things", "case", "clutter", "remove", "split", "delete", "ignore",
)
"""Default of the setting ``excluded_labels``; compared with cleaned labels, as whole labels."""

_MOST_LETTERS = 40
"""A longer label is a remark, not a name."""

_NUMBERING = re.compile(r"(?<=[^\W\d_])[\s#\d'-]*\d[\s#\d'-]*$")


def excluded_labels(setting: str) -> frozenset[str]:
    """The labels of a comma-separated setting, cleaned as an annotator's are.

    Example:
        >>> sorted(excluded_labels("Other_Furniture, wall,"))
        ['other furniture', 'wall']
    """
    return frozenset(clean_label(word) for word in setting.split(",")) - {""}


def clean_label(label: str) -> str:
    """Lower case, single spaces, without numbering, remarks in brackets or signs; empty if no name is left.

    Example:
        >>> [clean_label(label) for label in (" Trash_can #3 ", "table (broken?)", "l-shaped sofa", "??")]
        ['trash can', 'table', 'l-shaped sofa', '']
    """
    text = re.sub(r"\([^)]*\)|\[[^\]]*\]|\{[^}]*\}|<[^>]*>", " ", label.lower())
    text = re.sub(r"[^\w\s'#-]|_", " ", text)
    text = " ".join(_NUMBERING.sub("", text).replace("#", " ").split()).strip("'- ")
    return text if any(c.isalpha() for c in text) and len(text) <= _MOST_LETTERS else ""


def with_asked_labels(scene: Scene, excluded: Collection[str] = frozenset(EXCLUDED_LABELS)) -> Scene:
    """The scene with clean labels; objects whose label is excluded, or no name at all, only occlude.

    ``dropped`` counts ``labels_cleaned`` (changed in more than case and spacing), ``labels_odd`` (no name left) and
    ``labels_excluded``.
    """
    counts: Counter[str] = Counter()
    objects = []
    for item in scene.objects:
        label = clean_label(item.label)
        if not item.structural:
            counts["labels_odd"] += not label
            counts["labels_excluded"] += label in excluded
            counts["labels_cleaned"] += bool(label) and label != " ".join(item.label.lower().split())
        silent = item.structural or not label or label in excluded
        objects.append(replace(item, label=label or item.label, structural=silent))
    found = {reason: count for reason, count in counts.items() if count}
    return replace(scene, objects=tuple(objects), dropped={**scene.dropped, **found})
