"""What a build of a tagged dataset prints, from its manifest: how boxes were read, and how many tags of each kind."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from builders.heuristic import TAGS
from builders.tagged.tagging import UNTAGGED


class Table(NamedTuple):
    """A title, names of columns, and lines of as many cells."""

    title: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]


def tables(manifest: Mapping[str, Any]) -> Iterator[Table]:
    """The tables of a tagged dataset."""
    tags = manifest["tags"]
    if "box_formats" in tags:
        yield Table("box formats, by how many boxes lie in their image when read so:",
                    ("source", "boxes", "xywh", "xyxy", "only xywh", "only xyxy", "neither", "decided"),
                    [(source, *(str(held[name]) for name in ("boxes", "xywh", "xyxy", "only_xywh", "only_xyxy",
                                                             "neither", "decided")))
                     for source, held in tags["box_formats"].items()])
    if "rectangles" in tags:
        yield Table("bbox column against the rectangles in the pictures:", ("what", "questions"),
                    [(name, str(count)) for name, count in tags["rectangles"].items()])
    if "bbox_readings" in tags:
        yield Table("layout of the bbox column:", ("source", "read as", "lies on the rectangles"), [
            (source or "-", held["read_as"],
             ", ".join(f"{count} as {name}" for name, count in held["lies_on_rectangles_as"].items()) or "never")
            for source, held in tags["bbox_readings"].items()])
    columns = (*TAGS, UNTAGGED)
    lines = [(name + (" (chosen)" if name == tags["chosen"] else ""), *(str(counts[tag]) for tag in columns))
             for name, counts in tags["counts"].items()]
    if tags["paper"]:
        lines.append(("the paper, table 1", *(str(tags["paper"].get(tag, "-")) for tag in columns)))
    yield Table("depth questions by tag:", ("pair" if "box_formats" in tags else "boxes from", *columns), lines)
    if tags["untagged"]:
        yield Table("rows without a tag:", ("asks about", "why"), [
            (kind or "nothing known", ", ".join(f"{count} {reason}" for reason, count in found.items()))
            for kind, found in tags["untagged"].items()])
    if tags["problems"]:
        yield Table("odd rows of the input:", ("what", "rows"),
                    [(name, str(count)) for name, count in tags["problems"].items()])
