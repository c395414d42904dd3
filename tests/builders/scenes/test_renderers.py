"""Both renderers put every point of a room on the pixel that the pinhole formula names, and agree with each other."""

import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from builders.scenes.procedural import cycles, raycast
from builders.scenes.procedural.lighting import SKY_COLOR
from builders.scenes.procedural.room import Light, Material, Part, Room, RoomObject
from builders.scenes.scene import Frame, OrientedBox

pytest.importorskip("open3d", reason="ray casting needs open3d (extra 'geometry')")

BLACK = Material("black", "plain", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
GREY = Material("grey", "plain", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
GLOW = Material("glow", "emissive", (1.0, 1.0, 1.0), (1.0, 1.0, 1.0))
MARKERS = np.array([[0.0, 0.0, 1.0], [1.1, 0.3, 0.4], [-0.9, -0.2, 0.5], [0.6, 0.8, 1.7], [-0.7, 0.9, 1.6]])

Render = Callable[[Room, Frame], NDArray[np.uint8]]


def test_markers_appear_where_the_pinhole_formula_puts_them(render: Render) -> None:
    spheres = [_object(f"marker {n}", _sphere(at, 0.035), GLOW) for n, at in enumerate(MARKERS)]
    frame = _frame()
    picture = render(_room(_inside_out_box(BLACK), *spheres), frame)
    assert picture.shape == (frame.height, frame.width, 3) and picture.dtype == np.uint8
    for marker in MARKERS:
        expected = _project(frame, marker)
        assert np.linalg.norm(_centroid(picture, expected) - expected) < 0.25


def test_silhouettes_agree_between_renderers() -> None:
    _need_bpy()
    axes = _yaw(0.5)
    vertices, faces = _box((0.9, 0.6, 0.8))
    room = _room(_inside_out_box(BLACK), _object("cube", (vertices @ axes + (0.1, 0.2, 1.0), faces), GLOW))
    frame = _frame()
    cast, traced = (render(room, frame).mean(axis=2) > 120 for render in (raycast.render, _render_cycles))
    assert cast.sum() > 1000
    assert (cast & traced).sum() / (cast | traced).sum() >= 0.97


def test_raycast_repeats_bit_for_bit() -> None:
    first, again = (raycast.render(_furnished(), _frame()) for _ in range(2))
    assert np.array_equal(first, again)


def test_cycles_repeats_within_two_levels() -> None:
    _need_bpy()
    room = _furnished()
    first, other, again = (cycles.render(room, frame) for frame in (_frame(), _frame(turned=0.3), _frame()))
    assert np.abs(first.astype(int) - again).max() <= 2
    assert np.abs(first.astype(int) - other).max() > 20


def test_cycles_rebuilds_its_room_after_other_code_used_blender() -> None:
    bpy = _need_bpy()
    room = _furnished()
    first = cycles.render(room, _frame())
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert np.abs(first.astype(int) - cycles.render(room, _frame())).max() <= 2


def test_missing_bpy_is_reported_with_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bpy", None)
    with pytest.raises(ImportError, match=r"vantage\[render\]"):
        cycles.render(_furnished(), _frame())


def test_raycast_sees_the_sky_where_nothing_is() -> None:
    picture = raycast.render(_room(_object("floor", _box((1.0, 1.0, 0.1)), GREY)), _frame())
    red, green, blue = picture[0, 0] / 255
    assert picture[0, 0].tolist() == picture[0, -1].tolist()
    assert blue > green > red and abs(blue ** 2.2 - SKY_COLOR[2]) < 0.03


def test_things_cast_shadows_away_from_the_light(render: Render) -> None:
    """A plate over the floor's right half, lit from straight above, darkens that half alone."""
    vertices, faces = _box((1.2, 1.2, 0.02))
    plate = _object("plate", (vertices + (0.9, 0.0, 1.3), faces), GREY)
    room = _room(_inside_out_box(GREY), plate, lights=(Light((0.4, 0.0, 1.95), (0.0, 0.0, -1.0), (0.2, 0.2), 60.0),))
    frame = _frame()
    picture = render(room, frame)
    left, right = (picture[tuple(np.round(_project(frame, np.array(at))[::-1]).astype(int))].mean()
                   for at in ((-0.6, -0.3, 0.0), (1.2, -0.3, 0.0)))
    assert left > right + 25


def test_skewed_intrinsics_are_refused() -> None:
    _need_bpy()
    intrinsics = np.array([[200.0, 3.0, 100.0], [0.0, 200.0, 80.0], [0.0, 0.0, 1.0]])
    with pytest.raises(ValueError, match="skew"):
        cycles.render(_furnished(), Frame("skewed", 64, 48, intrinsics, np.eye(4)))


@pytest.fixture(params=["raycast", "cycles"])
def render(request: pytest.FixtureRequest) -> Render:
    if request.param == "raycast":
        return raycast.render
    _need_bpy()
    return _render_cycles


def _render_cycles(room: Room, frame: Frame) -> NDArray[np.uint8]:
    return cycles.render(room, frame, cycles.CyclesSettings(samples=6))


def _need_bpy() -> ModuleType:
    return pytest.importorskip("bpy", reason="cycles needs bpy (extra 'render')")


def _frame(turned: float = 0.0) -> Frame:
    """Looks from the front, slightly down and turned, with unequal focal lengths and an off-centre principal point."""
    intrinsics = np.array([[205.0, 0.0, 111.3], [0.0, 190.0, 95.6], [0.0, 0.0, 1.0]])
    down, side = 0.12, 0.07 + turned
    forward = np.array([np.sin(side) * np.cos(down), np.cos(side) * np.cos(down), -np.sin(down)])
    right = np.cross(forward, (0.0, 0.0, 1.0)) / np.cos(down)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = (-0.1, -3.4, 1.4)
    return Frame("view", 240, 180, intrinsics, pose)


def _project(frame: Frame, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) pixel (u, v) of a world point, pixel centres at integers."""
    x, y, z = frame.world_from_camera[:3, :3].T @ (point - frame.center)
    (fx, _, cx), (_, fy, cy), _ = frame.intrinsics
    return np.array([fx * x / z + cx, fy * y / z + cy])


def _centroid(picture: NDArray[np.uint8], near: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) centre of the light within 8 pixels of ``near``."""
    v, u = np.indices(picture.shape[:2])
    level = picture.mean(axis=2) / 255
    light = np.where(np.hypot(u - near[0], v - near[1]) < 8, np.where(level > 0.1, level ** 2.2, 0), 0)
    assert light.sum() > 3, "the marker is not there"
    return np.array([(light * u).sum(), (light * v).sum()]) / light.sum()


def _room(*things: RoomObject, lights: tuple[Light, ...] = ()) -> Room:
    outline = np.array([[-2.0, -4.0], [2.0, -4.0], [2.0, 2.0], [-2.0, 2.0]])
    return Room("tiny", outline, 2.5, (), things, lights, ())


def _furnished() -> Room:
    """A grey room with a wooden cube and a lamp."""
    vertices, faces = _box((0.8, 0.8, 0.8))
    wood = Material("oak", "wood", (0.4, 0.25, 0.12), (0.2, 0.1, 0.05))
    return _room(_inside_out_box(GREY), _object("cube", (vertices + (0.2, 0.3, 0.4), faces), wood),
                 lights=(Light((0.0, -1.0, 2.3), (0.0, 0.0, -1.0), (0.5, 0.5), 60.0),))


def _object(name: str, mesh: tuple[NDArray, NDArray], material: Material) -> RoomObject:
    vertices, faces = mesh
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    box = OrientedBox((lower + upper) / 2, np.eye(3), upper - lower)
    return RoomObject(name, "thing", box, (Part(vertices, faces, material),))


def _inside_out_box(material: Material) -> RoomObject:
    vertices, faces = _box((4.0, 6.0, 2.5))
    return _object("shell", (vertices + (0.0, -1.0, 1.25), faces[:, ::-1]), material)


def _box(size: tuple[float, float, float]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(8, 3) corners around the origin and 12 outward triangles."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * size
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    return corners, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _sphere(center: NDArray[np.float64], radius: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A sphere of 24 x 12 cells."""
    turn, rise = np.meshgrid(np.arange(24) * np.pi / 12, np.linspace(-np.pi / 2, np.pi / 2, 13), indexing="ij")
    points = np.stack([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)], axis=-1)
    index = np.arange(24 * 13).reshape(24, 13)
    a, b = index[:, :-1].ravel(), np.roll(index, -1, axis=0)[:, :-1].ravel()
    faces = np.concatenate([np.stack([a, b, b + 1], axis=1), np.stack([a, b + 1, a + 1], axis=1)])
    return center + radius * points.reshape(-1, 3), faces


def _yaw(angle: float) -> NDArray[np.float64]:
    """(3, 3) unit rows turned about Z."""
    return np.array([[np.cos(angle), np.sin(angle), 0.0], [-np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])
