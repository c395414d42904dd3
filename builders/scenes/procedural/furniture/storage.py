"""Cabinets, shelves and kitchen units."""

from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, Surface, model
from builders.scenes.procedural.furniture.seating import four_legs
from builders.scenes.procedural.furniture.shapes import box, tube
from builders.scenes.procedural.room import Material


def fronts(
    w: float, d: float, low: float, high: float, columns: int, rows: int, body: Material, knob: Material, doors: bool
) -> list[Piece]:
    """Doors or drawer fronts 16 mm thick on the front plane, 5 mm apart, each with a handle."""
    pieces: list[Piece] = []
    cell_w, cell_h = (w - 0.03) / columns, (high - low - 0.03) / rows
    for column in range(columns):
        for row in range(rows):
            x, z = (column - (columns - 1) / 2) * cell_w, low + 0.015 + row * cell_h
            pieces.append((box((cell_w - 0.006, 0.018, cell_h - 0.006), (x, d / 2 + 0.006, z + 0.003)), body))
            if doors:
                inner = -1 if column >= columns / 2 else 1
                if columns == 1:
                    inner = 1
                pieces.append(
                    (
                        box(
                            (0.014, 0.03, min(0.16, cell_h * 0.4)),
                            (x + inner * (cell_w / 2 - 0.045), d / 2 + 0.025, z + cell_h * 0.5 - 0.08),
                        ),
                        knob,
                    )
                )
            elif cell_w > 0.7:
                pieces += [
                    (box((0.1, 0.026, 0.014), (x + side * cell_w / 4, d / 2 + 0.024, z + cell_h * 0.6)), knob)
                    for side in (-1, 1)
                ]
            else:
                pieces.append(
                    (box((min(0.12, cell_w * 0.4), 0.026, 0.014), (x, d / 2 + 0.024, z + cell_h * 0.6)), knob)
                )
    return pieces


def _case(rng: Generator, w: float, d: float, h: float, leg: float, columns: int, rows: int, doors: bool) -> Model:
    """A closed body on legs (or a plinth when ``leg`` is small) with doors or drawers and an overhanging top."""
    body, knob = m.wood_or_lacquer(rng), m.metal(rng, "black", "brass", "steel")
    front = m.lacquer(rng, "white", "grey", "sage") if rng.random() < 0.3 else body
    stand = four_legs(w, d, leg + 0.002, 0.05, 0.03) if leg > 0.07 else box((w - 0.06, d - 0.06, leg + 0.002))
    pieces: list[Piece] = [
        (stand, body if leg > 0.07 else m.RUBBER),
        (box((w, d, h - leg - 0.022), (0, 0, leg)), body),
        (box((w + 0.02, d + 0.03, 0.024), (0, 0.01, h - 0.024)), body),
    ]
    pieces += fronts(w, d, leg, h - 0.022, columns, rows, front, knob, doors)
    return model(*pieces, surfaces=(Surface((-w / 2 + 0.03, w / 2 - 0.03), (-d / 2 + 0.03, d / 2 - 0.02), h),))


def nightstand(rng: Generator) -> Model:
    return _case(rng, float(rng.uniform(0.4, 0.5)), 0.4, float(rng.uniform(0.48, 0.58)), 0.12, 1, 2, False)


def dresser(rng: Generator) -> Model:
    return _case(
        rng, float(rng.uniform(0.9, 1.3)), 0.46, float(rng.uniform(0.78, 0.95)), 0.09, 2, int(rng.choice([3, 4])), False
    )


def cabinet(rng: Generator) -> Model:
    return _case(
        rng, float(rng.uniform(0.8, 1.2)), 0.4, float(rng.uniform(0.85, 1.2)), 0.05, int(rng.choice([2, 3])), 1, True
    )


def wardrobe(rng: Generator) -> Model:
    columns = int(rng.choice([2, 3]))
    return _case(
        rng, columns * float(rng.uniform(0.46, 0.55)), 0.58, float(rng.uniform(1.95, 2.15)), 0.06, columns, 1, True
    )


def filing_cabinet(rng: Generator) -> Model:
    """Steel cabinet with two to four deep drawers."""
    steel, rows = m.metal(rng, "steel", "white", "black"), int(rng.choice([2, 3, 4]))
    w, d, h = 0.42, 0.5, 0.08 + rows * 0.31
    pieces: list[Piece] = [(box((w, d, h)), steel)]
    for row in range(rows):
        z = 0.04 + row * 0.31
        pieces += [
            (box((w - 0.03, 0.018, 0.3), (0, d / 2 + 0.006, z)), m.lacquer(rng, "grey") if row % 2 else steel),
            (box((0.14, 0.03, 0.02), (0, d / 2 + 0.025, z + 0.2)), m.RUBBER),
        ]
    return model(*pieces, surfaces=(Surface((-0.18, 0.18), (-0.22, 0.22), h),))


def tv_stand(rng: Generator) -> Model:
    """Long low bench: an open middle between two doors."""
    body, knob = m.wood_or_lacquer(rng), m.metal(rng, "black", "brass")
    w, d, h, leg = float(rng.uniform(1.3, 1.8)), 0.4, float(rng.uniform(0.42, 0.52)), 0.12
    third, board, deep = w / 3, 0.022, d - 0.02
    pieces: list[Piece] = [
        (four_legs(w, d, leg + 0.002, 0.045, 0.05), body),
        (box((w, d, board), (0, 0, h - board)), body),
        (box((w - 0.006, d - 0.006, board), (0, 0, leg)), body),
        (box((w - 0.01, 0.014, h - leg - 0.03), (0, -d / 2 + 0.013, leg + 0.012)), body),
    ]
    for x in (-w / 2 + 0.014, -third / 2, third / 2, w / 2 - 0.014):
        pieces.append((box((board, deep, h - leg - 0.036), (x, 0.004, leg + 0.018)), body))
    pieces.append((box((third - 0.02, d - 0.06, 0.016), (0, 0, (h + leg) / 2)), body))
    for side in (-1, 1):
        pieces += [
            (box((third - 0.014, 0.018, h - leg - 0.05), (side * third, d / 2 - 0.003, leg + 0.026)), body),
            (box((0.012, 0.024, 0.12), (side * (third / 2 + 0.06), d / 2 + 0.015, (h + leg) / 2 - 0.06)), knob),
        ]
    return model(*pieces, surfaces=(Surface((-w / 2 + 0.03, w / 2 - 0.03), (-d / 2 + 0.03, d / 2 - 0.03), h),))


def books_row(
    rng: Generator, length: float, depth: float, headroom: float, at: tuple[float, float, float]
) -> list[Piece]:
    """Upright books side by side from the left end at ``at`` (their back edges on y = at.y)."""
    pieces: list[Piece] = []
    x = 0.0
    while True:
        thick, tall = float(rng.uniform(0.022, 0.045)), min(float(rng.uniform(0.19, 0.29)), headroom - 0.02)
        if x + thick > length:
            return pieces
        deep = min(depth, float(rng.uniform(0.15, 0.2)))
        pieces.append(
            (
                box((thick - 0.002, deep, tall), (at[0] + x + thick / 2, at[1] + deep / 2, at[2] + 0.001), 0.07),
                m.book_cover(rng),
            )
        )
        x += thick


def _shelving(rng: Generator, w: float, d: float, h: float, boards: int, frame: Material, filled: float) -> Model:
    """Uprights, boards, a back and rows of books; gaps in the rows are surfaces for small things."""
    pieces: list[Piece] = [(box((0.024, d, h), (side * (w / 2 - 0.012), 0, 0)), frame) for side in (-1, 1)]
    pieces.append((box((w - 0.03, 0.01, h - 0.06), (0, -d / 2 + 0.008, 0.03)), frame))
    surfaces = []
    gap = (h - 0.06) / (boards - 1)
    for board in range(boards):
        z = 0.03 + board * gap
        pieces.append((box((w - 0.044, d - 0.006, 0.022), (0, 0.001, z)), frame))
        top = z + 0.022
        if board == boards - 1:
            surfaces.append(Surface((-w / 2 + 0.04, w / 2 - 0.04), (-d / 2 + 0.03, d / 2 - 0.02), top))
            continue
        left, right = -w / 2 + 0.03, w / 2 - 0.03
        length = (right - left) * float(rng.uniform(0.35, 1.0)) if rng.random() < filled else 0.0
        if length:
            pieces += books_row(rng, length, d - 0.05, gap - 0.024, (left, -d / 2 + 0.02, top))
        if right - left - length > 0.14:
            surfaces.append(Surface((left + length + 0.02, right), (-d / 2 + 0.03, d / 2 - 0.01), top, gap - 0.03))
    return model(*pieces, surfaces=tuple(surfaces))


def bookshelf(rng: Generator) -> Model:
    return _shelving(
        rng,
        float(rng.uniform(0.7, 1.05)),
        0.3,
        float(rng.uniform(1.6, 2.05)),
        int(rng.choice([5, 6])),
        m.wood_or_lacquer(rng),
        0.8,
    )


def low_shelf(rng: Generator) -> Model:
    return _shelving(
        rng, float(rng.uniform(0.8, 1.3)), 0.32, float(rng.uniform(0.75, 0.9)), 3, m.wood_or_lacquer(rng), 0.6
    )


def wall_shelf(rng: Generator) -> Model:
    """One board on two brackets, some books at its left end: in its middle a marker of the shelf would lie on them."""
    frame, bracket = m.wood(rng), m.metal(rng, "black", "steel")
    w, d = float(rng.uniform(0.6, 1.0)), 0.22
    length = w * float(rng.uniform(0.2, 0.35))
    pieces: list[Piece] = [(box((w, d, 0.024), (0, 0, 0.12)), frame)]
    for side in (-1, 1):
        pieces += [
            (box((0.02, 0.012, 0.121), (side * w * 0.36, -d / 2 + 0.008, 0)), bracket),
            (
                tube([(side * w * 0.36, -d / 2 + 0.012, 0.02), (side * w * 0.36, d / 2 - 0.05, 0.118)], 0.007),
                bracket,
                True,
            ),
        ]
    pieces += books_row(rng, length, d - 0.02, 0.3, (-w / 2 + 0.02, -d / 2 + 0.01, 0.144))
    return model(
        *pieces, surfaces=(Surface((-w / 2 + 0.04 + length, w / 2 - 0.02), (-d / 2 + 0.01, d / 2 - 0.01), 0.144, 0.4),)
    )
