"""Make the example scene of the repository: a procedural room as a ``json`` scene, the form for scenes of your own.

    python scripts/example_scene.py examples/scenes

Pictures are ray-cast, so that they are the same on every machine. What the keys mean: builders/scenes/boxes_json.py.
"""

import json
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from builders.command import run_command
from builders.errors import InputError
from builders.scenes.procedural.source import ProceduralSource
from builders.scenes.scene import Frame, SceneObject
from builders.scenes.scene_json import DESCRIPTION, FORMAT
from builders.spar.visibility import Observer

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    out: Annotated[Path, typer.Argument(help="The folder to make the scene's folder in.")],
    room: Annotated[str, typer.Option(help="Which procedural room.")] = "room_000001",
    name: Annotated[str, typer.Option(help="What to call the scene.")] = "studio",
    frames: Annotated[int, typer.Option(min=2, help="How many of its frames.")] = 12,
    quality: Annotated[int, typer.Option(min=1, max=95, help="Of the JPEG pictures.")] = 75,
) -> None:
    folder = out / name
    if folder.exists():
        raise InputError(f"{folder} exists; remove it first")
    for sub in ("images", "instances"):
        (folder / sub).mkdir(parents=True)
    source = ProceduralSource(renderer="raycast")
    scene = source.load(room)
    observer = Observer(scene)
    taken = [scene.frames[i] for i in np.linspace(0, len(scene.frames) - 1, frames).round().astype(int)]
    for frame in taken:
        with Image.open(BytesIO(source.read_color(scene, frame))) as picture:
            picture.save(folder / "images" / f"{frame.frame_id}.jpg", quality=quality)
        shown = observer.look(frame).objects + 1  # 0 is nothing; an object's number is its place in the list
        Image.fromarray(shown.astype(np.uint8)).save(folder / "instances" / f"{frame.frame_id}.png", optimize=True)
    described = {
        "format": FORMAT,
        "note": f"Vantage's procedural {room}, ray-cast; CC0-1.0. Made by scripts/example_scene.py.",
        "split": "validation",
        "objects": [_object(item, number) for number, item in enumerate(scene.objects, start=1)],
        "frames": [_frame(frame) for frame in taken],
    }
    (folder / DESCRIPTION).write_text(_laid_out(described))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {len(taken)} frames, {len(scene.objects)} objects, {size / 1000:.0f} kB")


def _object(item: SceneObject, number: int) -> dict[str, Any]:
    entry = {
        "id": item.object_id,
        "label": item.label,
        "center": _rounded(item.box.center),
        "extents": _rounded(item.box.extents),
        "axes": _rounded(item.box.axes),
        "instance": number,
    }
    return entry | ({"structural": True} if item.structural else {})


def _frame(frame: Frame) -> dict[str, Any]:
    (fx, _, cx), (_, fy, cy), _ = frame.intrinsics.tolist()
    return {
        "id": frame.frame_id,
        "image": f"images/{frame.frame_id}.jpg",
        "instances": f"instances/{frame.frame_id}.png",
        "intrinsics": {"fx": round(fx, 6), "fy": round(fy, 6), "cx": cx, "cy": cy},
        "world_from_camera": _rounded(frame.world_from_camera),
    }


def _rounded(values: np.ndarray) -> Any:
    """Micrometres."""
    return (np.round(values, 6) + 0.0).tolist()


def _laid_out(described: dict[str, Any]) -> str:
    """JSON with one line per object and frame."""
    parts = []
    for key, value in described.items():
        lines = ",\n    ".join(map(json.dumps, value)) if isinstance(value, list) else ""
        parts.append(f'  "{key}": ' + (f"[\n    {lines}\n  ]" if lines else json.dumps(value)))
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    run_command(app)
