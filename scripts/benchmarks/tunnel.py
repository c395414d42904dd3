"""What the pictures of a SpatialTunnel scene cost against rendering each of them anew, and how true they are.

    python scripts/benchmarks/tunnel.py                      # as published, 512 pixels: about half an hour on 2 cores
    python scripts/benchmarks/tunnel.py --resolution 256 --reference-samples 128 --cells 4

Three tables, each of ratios within this run: seconds per picture against samples; a whole scene of 16 x 16 cells
against 256 full renders (a few, made in turns with the others, stand for all); and PSNR of random cells as the dataset
has them against renders with many samples and no denoiser, over the whole picture and inside the boxes of both objects,
grown by half. Seconds depend on the machine; ratios hardly do.
"""

import time
from dataclasses import replace
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from builders.command import run_command
from builders.randomness import generator
from builders.tunnel.compose import encode, share_light
from builders.tunnel.layout import ANGLES, TunnelScene, TunnelSettings, draw_scene, place
from builders.tunnel.look import DEFAULT_LOOK, TunnelLook
from builders.tunnel.render import TunnelRenderer

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    resolution: Annotated[int, typer.Option(min=64, help="Pixels along a side.")] = 512,
    samples: Annotated[int, typer.Option(min=1, help="Paths per pixel of the dataset.")] = DEFAULT_LOOK.samples,
    reference_samples: Annotated[int, typer.Option(min=16, help="Paths per pixel of the reference.")] = 256,
    cells: Annotated[int, typer.Option(min=0, help="Random cells compared with the reference, over 3 scenes.")] = 12,
    repeats: Annotated[int, typer.Option(min=1, help="Renders that stand for a render anew.")] = 5,
    ladder: Annotated[bool, typer.Option(help="Seconds per picture against samples.")] = True,
    whole_scene: Annotated[bool, typer.Option(help="Cost of a whole scene.")] = True,
    seed: Annotated[int, typer.Option(help="Of scenes and cells.")] = 0,
) -> None:
    settings, look = TunnelSettings(resolution=resolution), replace(DEFAULT_LOOK, samples=samples)
    scenes = [draw_scene(f"benchmark {n}", settings, ("tunnel benchmark", seed)) for n in range(3)]
    print(f"{resolution} x {resolution} pixels, {samples} samples, denoiser {look.denoiser_quality}")
    TunnelRenderer(TunnelSettings(resolution=64), replace(look, samples=1)).rendered(scenes[0], (0, 0))  # warm up
    if ladder:
        print_ladder(scenes[0], settings, look)
    if whole_scene:
        print_whole_scene(scenes[0], settings, look, repeats)
    if cells:
        print_quality(scenes, settings, look, reference_samples, cells, seed)


class Watch:
    """Wall and processor seconds, added up over ``with`` blocks; the latter bear with a machine that others use."""

    def __init__(self) -> None:
        self.count, self.wall, self.cpu = 0, 0.0, 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.count += 1
        self.wall += time.perf_counter() - self._start[0]
        self.cpu += time.process_time() - self._start[1]


def print_ladder(scene: TunnelScene, settings: TunnelSettings, look: TunnelLook) -> None:
    """One cell rendered in full, with growing numbers of samples."""
    print("one picture, rendered in full      wall s     cpu s")
    for samples in (1, 2, 4, 8, 16, 32):
        renderer, watch = TunnelRenderer(settings, replace(look, samples=samples)), Watch()
        with watch:
            renderer.rendered(scene, (3, 13))
        print(f"  {samples:2d} samples {watch.wall:28.2f}{watch.cpu:10.2f}", flush=True)


def print_whole_scene(scene: TunnelScene, settings: TunnelSettings, look: TunnelLook, repeats: int) -> None:
    """All 256 cells, and among them some that are rendered in full for comparison."""
    renderer = TunnelRenderer(settings, look)
    anew, parts, composed, in_full = (Watch() for _ in range(4))
    seen: set[tuple[str, int]] = set()
    for n in range(ANGLES**2):
        cell = (n % ANGLES, (n + n // ANGLES) % ANGLES)  # by diagonals: the first 16 cells bring all 33 renders
        if n < 2 * repeats and n % 2 == 0:  # beside the renders of single objects, under the same load
            with anew:
                encode(renderer.rendered(scene, cell))
        places = {("far", cell[0]), ("near", cell[1])}
        if share_light(scene, place(scene, cell, settings), look):
            watch = in_full
        else:
            watch = composed if places <= seen else parts
            seen |= places
        with watch:
            renderer.render(scene, cell)
    scale = ANGLES**2 / anew.count
    wall, cpu = (sum(getattr(w, kind) for w in (parts, composed, in_full)) for kind in ("wall", "cpu"))
    print(f"whole scene, {ANGLES**2} pictures as PNG    wall s     cpu s")
    print(f"  each rendered anew       {scale * anew.wall:12.1f}{scale * anew.cpu:10.1f}   from {anew.count} renders, "
          f"{anew.wall / anew.count:.2f} and {anew.cpu / anew.count:.2f} s each")
    print(f"  as in the dataset        {wall:12.1f}{cpu:10.1f}   {wall / scale / anew.wall:.1%} and "
          f"{cpu / scale / anew.cpu:.1%} of that")
    for name, watch in (("cells that bring renders", parts), ("cells composed only", composed),
                        ("cells rendered in full", in_full)):
        print(f"    {watch.count:3d} {name:<25}{watch.wall:5.1f}{watch.cpu:10.1f}", flush=True)


def print_quality(scenes: list[TunnelScene], settings: TunnelSettings, look: TunnelLook, reference_samples: int,
                  cells: int, seed: int) -> None:
    """The reference draws other random numbers than the dataset, so that they have no noise in common."""
    ours = TunnelRenderer(settings, look)
    reference = TunnelRenderer(settings, replace(look, samples=reference_samples, denoise=False, seed=look.seed + 1))
    rng = generator("tunnel benchmark cells", seed)
    print(f"PSNR in dB against {reference_samples} samples without denoiser")
    print("  cell                                           picture   far box  near box   composed/full: picture")
    rows = []
    for n in range(cells):
        scene = scenes[n * len(scenes) // cells]
        cell = (int(rng.integers(ANGLES)), int(rng.integers(ANGLES)))
        placement = place(scene, cell, settings)
        truth, made, full = (r.astype(float) for r in (
            reference.rendered(scene, cell), ours.pixels(scene, cell), ours.rendered(scene, cell)))
        boxes = [grown(box, settings.resolution) for box in (placement.far_box, placement.near_box)]
        rows.append([psnr(made, truth), *(psnr(made[box], truth[box]) for box in boxes), psnr(made, full)])
        name = f"{scene.far.name}, {scene.near.name} {cell}"
        print(f"  {name:<44}" + "".join(f"{value:10.1f}" for value in rows[-1]), flush=True)
    print(f"  {'worst':<44}" + "".join(f"{value:10.1f}" for value in np.min(rows, axis=0)))
    print(f"  {'median':<44}" + "".join(f"{value:10.1f}" for value in np.median(rows, axis=0)))


def grown(box: tuple[float, float, float, float], size: int) -> tuple[slice, slice]:
    """Rows and columns of a box half as wide and half as high again."""
    x1, y1, x2, y2 = box
    dx, dy = (x2 - x1) / 4, (y2 - y1) / 4
    low_x, low_y, high_x, high_y = (int(np.clip(round(v), 0, size)) for v in (x1 - dx, y1 - dy, x2 + dx + 1,
                                                                              y2 + dy + 1))
    return slice(low_y, high_y), slice(low_x, high_x)


def psnr(picture: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """dB, of 8-bit values; 99 for equal ones."""
    error = float(np.mean((picture - truth) ** 2))
    return 10 * np.log10(255**2 / error) if error > 0 else 99.0


if __name__ == "__main__":
    run_command(app)
