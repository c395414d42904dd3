"""Where on a pattern each corner of each face lies, so that no part needs hand-made UVs. Used by both renderers.

Coordinates are metres along the owning object's axes, so a pattern keeps its true size and turns with the object. A
part is first cut into its connected pieces (the boards of a table, the spines of a book row): grain runs along the
longest side of a piece, and every piece has its own number to vary its tone.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from builders.scenes.procedural.room import Part
from builders.scenes.scene import Array, Index, OrientedBox

_WELD = 1e-4
"""Vertices nearer than this, metres, join their faces into one piece."""


@dataclass(frozen=True, eq=False)
class TextureCoordinates:
    solid: Array
    """(F, 3, 3) per face corner: metres along the piece's longest, middle and shortest side; for patterns that run
    through the material, such as wood grain. Pieces are shifted apart, so that no two show the same grain."""
    surface: Array
    """(F, 3, 2) per face corner: metres in the face's plane; on upright faces (horizontal, up), on level faces (longest
    side, other side). For a ``picture``, 0 to 1 over the piece; for ``books``, from the piece's lower corner."""
    piece: Array
    """(F,) a number in [0, 1) per connected piece."""


def connected_pieces(vertices: Array, faces: Index) -> tuple[int, Index]:
    """How many pieces the faces form, and (F,) the piece of each face; coincident vertices count as shared."""
    _, welded = np.unique(np.round(vertices / _WELD).astype(np.int64), axis=0, return_inverse=True)
    welded = welded.reshape(-1)
    start, end = welded[faces[:, [0, 1]]].reshape(-1), welded[faces[:, [1, 2]]].reshape(-1)
    size = int(welded.max()) + 1
    edges = coo_matrix((np.ones(len(start), dtype=bool), (start, end)), shape=(size, size))
    _, of_vertex = connected_components(edges, directed=False)
    pieces, of_face = np.unique(of_vertex[welded[faces[:, 0]]], return_inverse=True)
    return len(pieces), of_face.reshape(-1)


def _facing(normal: Array, extents: Array) -> Index:
    """(F,) the axis each face looks along. On a curtain, the folds look sideways too; they keep the curtain's axis, so
    that a pattern runs on across them."""
    for long, short in ((0, 1), (1, 0)):
        fold = (extents[:, long] > 3 * extents[:, short]) & (normal[:, long] < 0.95 * np.linalg.norm(normal, axis=1))
        normal = np.where(fold[:, None] & (np.arange(3) == long), 0.0, normal)
    return normal.argmax(axis=1)


def texture_coordinates(part: Part, box: OrientedBox) -> TextureCoordinates:
    """Pattern coordinates of one part of the object with bounds ``box``."""
    local = (part.vertices - box.center) @ box.axes.T
    count, piece_of_face = connected_pieces(local, part.faces)
    corners = local[part.faces]
    lower, upper = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(lower, piece_of_face, corners.min(axis=1))
    np.maximum.at(upper, piece_of_face, corners.max(axis=1))
    extents = np.maximum(upper - lower, 1e-6)

    order = np.argsort(-np.round(extents, 4), axis=1, kind="stable")[piece_of_face]
    number = np.modf(np.arange(1, count + 1) * 0.61803398875)[0][piece_of_face]
    solid = np.take_along_axis(corners, order[:, None, :], axis=2) + 7.0 * number[:, None, None]

    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = _facing(np.abs(normal), extents[piece_of_face])
    level_first = np.where(extents[:, 0] >= extents[:, 1], 0, 1)[piece_of_face]
    first = np.select([facing == 0, facing == 1], [1, 0], level_first)
    second = np.where(facing == 2, 1 - level_first, 2)
    in_plane = np.stack([first, second], axis=1)
    surface = np.take_along_axis(corners, in_plane[:, None, :], axis=2)
    if part.material.pattern in ("books", "picture"):
        surface = surface - np.take_along_axis(lower[piece_of_face], in_plane, axis=1)[:, None, :]
    if part.material.pattern == "picture":
        surface = surface / np.take_along_axis(extents[piece_of_face], in_plane, axis=1)[:, None, :]
    return TextureCoordinates(solid, surface, number)
