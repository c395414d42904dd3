"""A second route to every tag: from the published columns and the picture of a finished row, in decimals.

Nothing of ``boxes``, ``policies`` or ``heuristic`` is used. What the pictures alone tell (rectangles without a column)
is not computed again.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps

Row = Mapping[str, Any]


def row_problems(row: Row, manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong with a row of a tagged dataset, one line each.

    Args:
        row: all columns; the image as stored.
        manifest: of the folder.
    """
    name = f"{row['question_id'] if 'question_id' in row else row['idx']}"
    if bool(row["heuristic"]) == bool(row["untagged_reason"]):
        return [f"{name}: tagged {row['heuristic']!r}, and untagged because {row['untagged_reason']!r}"]
    if not row["heuristic"]:
        held = [column for column in ("vertical_gap", "far_object", "near_object") if row[column]]
        return [f"{name}: no tag, but {', '.join(held)}"] if held else []
    far, near = (row[f"{side}_object"].split("; ") for side in ("far", "near"))
    centers = _centers_of_options(row, manifest) if "objects" in row else _centers_of_column(row, manifest)
    if centers is None:
        return []
    unknown = [object_name for object_name in (*far, *near) if object_name not in centers]
    if unknown:
        return [f"{name}: {unknown[0]!r} is no object with a box"]
    lower = [2 * (centers[b] - centers[a]) for a in far for b in near]  # how far the nearer one is below, half pixels
    height = _height(row, min(lower, key=abs) / 2)
    band = Decimal(str(manifest["settings"]["min_gap"])) * 2 * height
    tags = {"ambiguous" if abs(rise) < band or not rise else "consistent" if rise > 0 else "counter" for rise in lower}
    found = []
    if tags != {row["heuristic"]}:
        found.append(f"{name}: tagged {row['heuristic']}, expected {' and '.join(sorted(tags))}")
    gap = min(lower, key=abs) / 2 / height
    if abs(float(gap) - row["vertical_gap"]) > 1e-9:
        found.append(f"{name}: vertical_gap is {row['vertical_gap']}, expected {float(gap)}")
    answered = far if row.get("relation") == "far" else near
    if answered != [_answer(row)]:
        found.append(f"{name}: the answer is {_answer(row)}, not {'; '.join(answered)}")
    return found


def _height(row: Row, rise: Decimal) -> int:
    """Of the picture in pixels; of one that is not at hand the whole number that the gap goes by."""
    if row["image"] is None:
        return max(1, round(float(rise) / row["vertical_gap"])) if row["vertical_gap"] else 1
    with Image.open(BytesIO(row["image"]["bytes"])) as image:
        return ImageOps.exif_transpose(image).height


def _answer(row: Row) -> str:
    """The name of the object that is the answer."""
    if "objects" in row:
        return row["answer_options"][row["answer"]]
    chosen = "AB".index(row["answer"].strip("()"))
    same = len(set(row["choices"])) == 1
    return row["choices"][chosen] + (f" ({('red', 'blue')[chosen]} box)" if same else "")


def _centers_of_options(row: Row, manifest: Mapping[str, Any]) -> dict[str, Decimal]:
    """Height of the centre of each object's box, by the option that names it; pixels."""
    box_format = manifest["tags"]["box_formats"][row["data_source"] or ""]["decided"]
    by_name = {_plain(item["name"]): _middle(item["bbox"], box_format) for item in row["objects"]
               if len(item["bbox"]) == 4}
    return {option: by_name[_plain(option)] for option in row["answer_options"] if _plain(option) in by_name}


def _centers_of_column(row: Row, manifest: Mapping[str, Any]) -> dict[str, Decimal] | None:
    """The same of CV-Bench's two objects; None where the tag was not made from the column."""
    source = row["source_dataset"] or row["source"] or ""
    read_as = manifest["tags"]["bbox_readings"][source]["read_as"]
    if row["bbox"] is None or manifest["tags"]["chosen"] == "rectangles" or read_as == "unknown":
        return None
    box_format, first = read_as.removesuffix(" first").split(", ")
    red, blue = row["bbox"][:2][:: 1 if first == "red" else -1]
    said = row["question"]
    names = sorted({row["far_object"], row["near_object"]}, key=lambda name: said.find(
        name if " box)" not in name else f"(highlighted by a {name.split('(')[-1]}"))
    return {name: _middle(box, box_format) for name, box in zip(names, (red, blue), strict=True)}


def _middle(box: Iterable[float], box_format: str) -> Decimal:
    _, y, _, last = (Decimal(str(number)) for number in box)
    return y + last / 2 if box_format == "xywh" else (y + last) / 2


def _plain(name: str | None) -> str:
    return " ".join((name or "").lower().split())
