"""Areas of outlines that are known on paper."""

import numpy as np
import pytest

from builders.spar.area import outline_area, room_points, thinned

RADIUS = 0.25


def _scattered(inside, count, seed=0):
    """Random points of [0, 6]^2 that lie inside a shape."""
    points = np.random.default_rng(seed).uniform(0, 6, (count, 2))
    return points[inside(points[:, 0], points[:, 1])]


SHAPES = {
    "square": (lambda x, y: (x < 5) & (y < 5), 25.0),
    "l": (lambda x, y: ((x < 5) & (y < 2)) | ((x < 2) & (y < 5)), 16.0),
    "annulus": (lambda x, y: (np.hypot(x - 3, y - 3) < 3) & (np.hypot(x - 3, y - 3) > 1), 8 * np.pi),
}


@pytest.mark.parametrize("count", [30_000, 120_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_area_of_known_shapes_whatever_the_density(shape, count):
    inside, area = SHAPES[shape]
    points = _scattered(inside, count)
    assert outline_area(thinned(points, 0.05), RADIUS) == pytest.approx(area, rel=0.035)


def test_area_turns_shifts_and_mirrors_along():
    inside, _ = SHAPES["l"]
    points = _scattered(inside, 60_000)
    area = outline_area(thinned(points, 0.05), RADIUS)
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    # a grid along the edges loses up to a voxel at each, a slanted one does not
    assert outline_area(thinned(points @ turn + 100, 0.05), RADIUS) == pytest.approx(area, rel=0.045)
    assert outline_area(thinned(points * [-1, 1], 0.05), RADIUS) == pytest.approx(area, rel=1e-9)


def test_points_are_thinned_to_voxel_centers_and_few_are_kept_as_they_are():
    points = np.array([[0.01, 0.01], [0.04, 0.049], [0.051, 0.0]])
    assert thinned(points, 0.05) == pytest.approx(np.array([[0.025, 0.025], [0.075, 0.025]]))
    assert room_points(points, 0.05) is points
    along_a_line = np.repeat(np.arange(-4, 6)[:, None], 3, axis=0) * (0.25, -0.5)
    squares = sorted({tuple((point // 0.5 + 0.5) * 0.5) for point in along_a_line})
    assert thinned(np.concatenate([along_a_line, along_a_line[::-1]]), 0.5).tolist() == [list(s) for s in squares]
    many = _scattered(SHAPES["square"][0], 5000)
    assert (room_points(many, 0.05) == thinned(many, 0.05)).all()
    assert (thinned(thinned(many, 0.05), 0.05) == thinned(many, 0.05)).all()


def test_lines_and_single_points_have_no_area():
    assert outline_area(np.zeros((0, 2)), RADIUS) == 0
    assert outline_area(np.array([[0, 0], [0.1, 0], [0.2, 0], [0.3, 0]]), RADIUS) == 0
