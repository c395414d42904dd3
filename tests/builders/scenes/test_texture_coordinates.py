"""Patterns lie on parts at their true size: grain along boards, pictures filling their sheet."""

import numpy as np
from numpy.typing import NDArray

from builders.scenes.procedural.room import Material, Part
from builders.scenes.procedural.texture_coordinates import connected_pieces, texture_coordinates
from builders.scenes.scene import OrientedBox

QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
FACES = np.concatenate([QUADS[:, [0, 1, 2]], QUADS[:, [0, 2, 3]]])


def test_grain_runs_along_the_longest_side_of_every_board() -> None:
    """An upright post and a long rail, in one part."""
    post, rail = _block((0.1, 0.2, 1.5)), _block((2.0, 0.1, 0.2)) + (0.0, 5.0, 0.0)
    where = texture_coordinates(_part("wood", post, rail), _upright_box())
    spans = np.ptp(where.solid.reshape(2, -1, 3), axis=1)
    np.testing.assert_allclose(spans, [[1.5, 0.2, 0.1], [2.0, 0.2, 0.1]], atol=1e-6)
    assert len(set(where.piece)) == 2


def test_patterns_turn_with_their_object() -> None:
    turn = np.array([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    straight = texture_coordinates(_part("tiles", _block((1.0, 0.5, 0.2))), _upright_box())
    turned = texture_coordinates(_part("tiles", _block((1.0, 0.5, 0.2)) @ turn + (3.0, 2.0, 0.0)),
                                 OrientedBox((3.0, 2.0, 0.0), turn, (1.0, 1.0, 1.0)))
    np.testing.assert_allclose(turned.surface, straight.surface, atol=1e-9)
    np.testing.assert_allclose(turned.solid, straight.solid, atol=1e-9)


def test_surface_coordinates_keep_lengths_and_point_up_on_walls() -> None:
    part = _part("tiles", _block((3.0, 0.1, 2.5)))
    where = texture_coordinates(part, _upright_box())
    corners = part.vertices[part.faces]
    upright = np.ptp(corners[:, :, 1], axis=1) < 1e-9
    np.testing.assert_allclose(where.surface[upright], corners[upright][:, :, [0, 2]])
    for face, flat in zip(corners, where.surface):
        np.testing.assert_allclose(np.linalg.norm(face[0] - face[1]), np.linalg.norm(flat[0] - flat[1]))


def test_patterns_run_on_across_the_folds_of_a_curtain() -> None:
    """Zigzag folds of a sheet 2 m wide: the horizontal coordinate grows steadily from left to right."""
    across = np.linspace(0, 2, 41)
    depth = 0.12 * (np.arange(41) % 2)
    vertices = np.concatenate([np.stack([across, depth, np.full(41, z)], axis=1) for z in (0.0, 2.0)])
    first = np.arange(40)[:, None]
    faces = np.concatenate([first + (0, 1, 42), first + (0, 42, 41)])
    where = texture_coordinates(Part(vertices, faces, Material("m", "stripes", (0, 0, 0), (1, 1, 1))), _upright_box())
    np.testing.assert_allclose(where.surface, vertices[faces][:, :, [0, 2]])


def test_pictures_fill_their_sheet() -> None:
    where = texture_coordinates(_part("picture", _block((0.8, 0.02, 0.6)) + (2.0, 1.0, 1.5)), _upright_box())
    assert where.surface.min() == 0 and abs(where.surface.max() - 1) < 1e-9


def test_coincident_vertices_join_faces_into_one_piece() -> None:
    """A box whose six sides own their corners is still one box."""
    corners = _block((1.0, 1.0, 1.0))
    loose = corners[FACES].reshape(-1, 3)
    count, piece = connected_pieces(loose, np.arange(36).reshape(12, 3))
    assert count == 1 and not piece.any()


def _block(size: tuple[float, float, float]) -> NDArray[np.float64]:
    """(8, 3) corners of a box around the origin, in the order of ``FACES``."""
    return np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * size


def _part(pattern: str, *blocks: NDArray[np.float64]) -> Part:
    faces = np.concatenate([FACES + 8 * number for number in range(len(blocks))])
    return Part(np.concatenate(blocks), faces, Material("m", pattern, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)))


def _upright_box() -> OrientedBox:
    return OrientedBox(np.zeros(3), np.eye(3), np.ones(3))
