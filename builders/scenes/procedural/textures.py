"""What the patterns of a room look like: for each, a function from a material to its colour as Blender nodes.

Coordinates come from ``texture_coordinates`` as the mesh attributes ``solid``, ``surface`` and ``piece``.
"""

import zlib
from collections.abc import Callable
from typing import Any

from builders.scenes.procedural.node_graph import Graph, Socket
from builders.scenes.procedural.room import Material

Color = tuple[float, float, float]
"""Linear RGB."""


def _lighter(color: Color, by: float) -> Color:
    r, g, b = (value + (1 - value) * by for value in color)
    return r, g, b


def _darker(color: Color, by: float) -> Color:
    r, g, b = ((1 - by) * value for value in color)
    return r, g, b


def _plain(g: Graph, m: Material) -> Socket:
    return g.shade(m.color, g.step(g.noise(g.attribute("solid"), 3.0), 0.3, 0.7, (0.96, 1.04)))


def _grain(g: Graph, m: Material, vector: Socket, size: float) -> Socket:
    """Wood: broad figure stretched along the first coordinate, and fine fibres."""
    figure = g.noise(g.scaled(vector, (0.35, 4.0, 4.0)), 1.0 / size, detail=2.0, distortion=0.7)
    fibre = g.noise(g.scaled(vector, (2.0, 45.0, 45.0)), 1.0 / size, detail=1.0)
    color = g.mix(g.step(figure, 0.32, 0.68, (0.0, 0.75)), m.color, m.accent)
    return g.shade(color, g.step(fibre, 0.3, 0.7, (0.82, 1.12)))


def _wood(g: Graph, m: Material) -> Socket:
    return g.tone(_grain(g, m, g.attribute("solid"), max(m.scale, 0.15)), 0.88, 1.1)


def _bricks(g: Graph, m: Material, length: float, offset: float, seam: float) -> tuple[Socket, Socket]:
    """Rectangles of ``length`` x 1 repeats: a random number per rectangle and 1 on the seams between them."""
    uv = g.attribute("surface")
    random = g.add("TexBrick", "Color", {
        "Vector": uv, "Scale": 1.0, "Color1": (0, 0, 0), "Color2": (1, 1, 1), "Mortar": (0.5, 0.5, 0.5),
        "Mortar Size": seam, "Mortar Smooth": 0.3, "Bias": 0.0, "Brick Width": length * m.scale,
        "Row Height": m.scale}, offset=offset, offset_frequency=2, squash=1.0)
    return random, random.node.outputs["Fac"]


def _planks(g: Graph, m: Material) -> Socket:
    random, seam = _bricks(g, m, length=8.0, offset=0.37, seam=0.0022)
    shift = g.scaled(random, (13.0, 17.0, 0.0))
    grain = _grain(g, m, g.add("VectorMath", 0, {0: g.attribute("surface"), 1: shift}, operation="ADD"), 0.3)
    toned = g.shade(grain, g.step(random, 0.0, 1.0, (0.82, 1.14)))
    return g.mix(seam, toned, _darker(m.accent, 0.65))


def _tiles(g: Graph, m: Material) -> Socket:
    random, seam = _bricks(g, m, length=1.0, offset=0.0, seam=0.003)
    clouds = g.step(g.noise(g.attribute("surface"), 6.0, detail=3.0), 0.3, 0.7, (0.95, 1.04))
    toned = g.shade(g.shade(m.color, g.step(random, 0.0, 1.0, (0.93, 1.05))), clouds)
    return g.mix(seam, toned, m.accent)


def _weave(g: Graph, color: Socket, contrast: float) -> Socket:
    """Threads of about 4 mm crossing each other, worn unevenly, and the pale rim that cloth shows at grazing angles."""
    u, v = g.split(g.scaled(g.attribute("surface"), (800.0, 800.0, 0.0)))
    threads = g.math("MULTIPLY", g.math("SINE", u), g.math("SINE", v))
    woven = g.shade(color, g.step(threads, -1.0, 1.0, (1 - contrast, 1 + contrast)))
    worn = g.shade(woven, g.step(g.noise(g.attribute("solid"), 5.0, detail=3.0), 0.3, 0.7, (0.95, 1.04)))
    rim = g.add("LayerWeight", "Facing", {"Blend": 0.25})
    return g.mix(g.math("MULTIPLY", rim, 0.15), worn, (1.0, 1.0, 1.0), blend="SOFT_LIGHT")


def _fabric(g: Graph, m: Material) -> Socket:
    flecks = g.noise(g.attribute("solid"), 260.0, detail=1.0)
    return g.tone(_weave(g, g.mix(g.step(flecks, 0.4, 0.8, (0.0, 0.45)), m.color, m.accent), 0.06), 0.95, 1.04)


def _stripes(g: Graph, m: Material) -> Socket:
    u, _ = g.split(g.attribute("surface"))
    wave = g.math("SINE", g.math("MULTIPLY", u, 6.28318 / m.scale))
    return _weave(g, g.mix(g.step(wave, -0.08, 0.08), m.color, m.accent), 0.05)


def _carpet(g: Graph, m: Material) -> Socket:
    """A lattice of accent-coloured diamonds in a deep pile."""
    uv = g.attribute("surface")
    wobble = g.math("MULTIPLY", g.math("SUBTRACT", g.noise(uv, 60.0), 0.5), 0.05)
    u, v = (g.math("ABSOLUTE", g.math("SUBTRACT", g.math("FRACT", g.math("DIVIDE", axis, m.scale)), 0.5))
            for axis in g.split(uv))
    diamond = g.math("ADD", g.math("ADD", u, v), wobble)
    line = g.math("ABSOLUTE", g.math("SUBTRACT", diamond, 0.38))
    heart = g.math("LESS_THAN", diamond, 0.12)
    motif = g.math("MAXIMUM", g.step(line, 0.05, 0.08, (1.0, 0.0)), heart)
    pile = g.step(g.noise(uv, 170.0, detail=1.0), 0.3, 0.7, (0.72, 1.15))
    return g.shade(g.mix(g.math("MULTIPLY", motif, 0.8), m.color, m.accent), pile)


def _plaster(g: Graph, m: Material) -> Socket:
    clouds = g.noise(g.attribute("solid"), 1.3, detail=3.0)
    grain = g.step(g.noise(g.attribute("solid"), 70.0, detail=1.0), 0.3, 0.7, (0.975, 1.02))
    return g.shade(g.mix(g.step(clouds, 0.35, 0.7, (0.0, 0.1)), m.color, m.accent), grain)


def _leather(g: Graph, m: Material) -> Socket:
    creases = g.add("TexVoronoi", "Distance", {"Vector": g.attribute("solid"), "Scale": 90.0},
                    feature="DISTANCE_TO_EDGE")
    worn = g.step(g.noise(g.attribute("solid"), 5.0, detail=3.0), 0.35, 0.7, (0.0, 0.8))
    return g.shade(g.mix(worn, m.color, m.accent), g.step(creases, 0.0, 0.12, (0.7, 1.05)))


def _metal(g: Graph, m: Material) -> Socket:
    brushed = g.noise(g.scaled(g.attribute("solid"), (4.0, 200.0, 200.0)), 1.0, detail=1.0)
    return g.mix(g.step(brushed, 0.3, 0.7, (0.0, 0.25)), m.color, m.accent)


def _foliage(g: Graph, m: Material) -> Socket:
    cells = g.add("TexVoronoi", "Color", {"Vector": g.attribute("solid"), "Scale": 22.0})
    leaf = g.tone(g.mix(g.step(cells, 0.2, 0.8), m.color, m.accent), 0.75, 1.2)
    edge = g.step(cells.node.outputs["Distance"], 0.1, 0.6, (1.1, 0.65))
    return g.shade(leaf, edge)


def _stone(g: Graph, m: Material) -> Socket:
    """Veined: thin bands where distorted noise crosses its middle."""
    veins = g.math("ABSOLUTE", g.math("SUBTRACT", g.noise(g.attribute("solid"), 1.2 / m.scale, 4.0, 1.2), 0.5))
    speckle = g.step(g.noise(g.attribute("solid"), 80.0, detail=2.0), 0.3, 0.7, (0.92, 1.06))
    return g.shade(g.mix(g.step(veins, 0.0, 0.06, (0.75, 0.0)), m.color, m.accent), speckle)


def _books(g: Graph, m: Material) -> Socket:
    """Spines about ``scale`` wide, each with its own colour and a title band; pieces are rows or single books."""
    u, v = g.split(g.attribute("surface"))
    across = g.math("DIVIDE", u, max(m.scale, 0.02))
    spine = g.math("ADD", g.math("FLOOR", across), g.math("MULTIPLY", g.attribute("piece", "Fac"), 977.0))
    pick = g.random(spine)
    hue = g.add("CombineColor", 0, {0: pick, 1: 0.45, 2: 0.35}, mode="HSV")
    color = g.mix(g.step(g.random(g.math("ADD", spine, 31.7)), 0.0, 1.0), m.color, m.accent)
    color = g.mix(0.3, color, hue)
    color = g.shade(color, g.step(g.random(g.math("ADD", spine, 7.3)), 0.0, 1.0, (0.5, 1.5)))
    title = g.math("MULTIPLY", g.step(v, 0.13, 0.135), g.step(v, 0.17, 0.175, (1.0, 0.0)))
    color = g.mix(g.math("MULTIPLY", title, g.math("GREATER_THAN", pick, 0.4)), color, (0.75, 0.66, 0.45))
    gap = g.math("ABSOLUTE", g.math("SUBTRACT", g.math("FRACT", across), 0.5))
    return g.shade(color, g.step(gap, 0.40, 0.5, (1.0, 0.3)))


def _picture(g: Graph, m: Material) -> Socket:
    """A framed sheet with a pale mount; what is painted on it depends on the material's name."""
    u, v = g.split(g.attribute("surface"))
    seed = zlib.crc32(m.name.encode())
    painted = (_landscape, _color_fields, _rings)[seed % 3](g, m, u, v, float(seed % 997))
    sideways, upward = (g.math("ABSOLUTE", g.math("SUBTRACT", axis, 0.5)) for axis in (u, v))
    edge = g.math("MAXIMUM", sideways, upward)
    return g.mix(g.step(edge, 0.400, 0.404), painted, (0.82, 0.80, 0.75))


def _landscape(g: Graph, m: Material, u: Socket, v: Socket, seed: float) -> Socket:
    """Sky, a low sun and three ranges of hills, nearer ones darker."""
    color = g.mix(g.step(v, 0.35, 0.9), _lighter(m.accent, 0.55), m.color)
    from_sun = g.distance(g.math("SUBTRACT", u, 0.3 + 0.4 * (seed / 997)), g.math("SUBTRACT", v, 0.68))
    color = g.mix(g.step(from_sun, 0.07, 0.075, (1.0, 0.0)), color, (0.95, 0.82, 0.55))
    for height, roughness, dark in ((0.50, 2.5, 0.25), (0.36, 3.5, 0.58), (0.22, 5.0, 0.82)):
        place = g.add("CombineXYZ", 0, {0: u, 1: seed + height})
        ridge = g.step(g.noise(place, roughness, detail=3.0), 0.2, 0.8, (height - 0.16, height + 0.16))
        hill = g.mix(height, _darker(m.color, dark), _darker(m.accent, dark))
        color = g.mix(g.math("LESS_THAN", v, ridge), color, hill)
    return color


def _color_fields(g: Graph, m: Material, u: Socket, v: Socket, seed: float) -> Socket:
    """Soft-edged blocks of colour above each other."""
    wobble = g.noise(g.add("CombineXYZ", 0, {0: u, 1: v, 2: seed}), 5.0, detail=3.0)
    height = g.math("ADD", v, g.math("MULTIPLY", g.math("SUBTRACT", wobble, 0.5), 0.09))
    color = g.mix(g.step(height, 0.36, 0.39), m.accent, m.color)
    color = g.mix(g.step(height, 0.69, 0.72), color, _lighter(m.accent, 0.5))
    return g.shade(color, g.step(wobble, 0.3, 0.7, (0.8, 1.15)))


def _rings(g: Graph, m: Material, u: Socket, v: Socket, seed: float) -> Socket:
    """Overlapping discs of the two colours on paper."""
    color: Socket = (0.76, 0.70, 0.58)
    black = (0.05, 0.05, 0.06)
    for x, y, radius, ink in ((0.38, 0.58, 0.24, m.color), (0.62, 0.40, 0.20, m.accent), (0.63, 0.66, 0.11, black)):
        distance = g.distance(g.math("SUBTRACT", u, x), g.math("SUBTRACT", v, y + 0.04 * (seed % 3 - 1)))
        color = g.mix(g.step(distance, radius, radius + 0.006, (0.9, 0.0)), color, ink)
    return color


COLORS: dict[str, Callable[[Graph, Material], Socket]] = {
    "plain": _plain, "wood": _wood, "planks": _planks, "fabric": _fabric, "plaster": _plaster, "tiles": _tiles,
    "stripes": _stripes, "leather": _leather, "metal": _metal, "foliage": _foliage, "picture": _picture,
    "books": _books, "carpet": _carpet, "stone": _stone,
}

_COATED = {"wood": 0.35, "planks": 0.5, "tiles": 0.8, "leather": 0.6, "stone": 0.7, "plain": 0.35}
"""Patterns with a clear reflection over their colour, and how strong it is."""

_SATURATION = 0.86
"""Sunlit surfaces look paler to a camera than their paint; without this, woods turn orange."""


def shade_material(tree: Any, material: Material) -> None:
    """Fill an empty node ``tree`` with the surface of ``material``."""
    g = Graph(tree)
    if material.pattern == "emissive":
        facing = g.add("LayerWeight", "Facing", {"Blend": 0.3})
        height = g.add("SeparateXYZ", "Z", {0: g.add("TexCoord", "Generated", {})})
        from_middle = g.math("ABSOLUTE", g.math("SUBTRACT", height, 0.5))
        glow = g.shade(material.color, g.step(facing, 0.0, 1.0, (1.0, 0.75)))
        glow = g.shade(glow, g.step(from_middle, 0.1, 0.5, (1.0, 0.8)))
        surface = g.add("Emission", 0, {"Color": glow, "Strength": 1.0})
    elif material.pattern == "glass":
        clear = g.add("BsdfTransparent", 0, {"Color": _lighter(material.color, 0.6)})
        sheen = g.add("Emission", 0, {"Color": material.accent, "Strength": 0.05})
        surface = g.add("AddShader", 0, {0: clear, 1: sheen})
    elif material.pattern == "mirror":
        surface = g.add("BsdfGlossy", 0, {"Color": (0.85, 0.87, 0.87), "Roughness": 0.0})
    elif material.pattern == "metal":
        color = COLORS["metal"](g, material)
        mirror = g.add("BsdfGlossy", 0, {"Color": color, "Roughness": max(material.roughness, 0.15)})
        surface = g.add("MixShader", 0, {0: 0.5, 1: g.add("BsdfDiffuse", 0, {"Color": color}), 2: mirror})
    else:
        color = g.add("HueSaturation", 0, {"Saturation": _SATURATION, "Color": COLORS[material.pattern](g, material)})
        surface = g.add("BsdfDiffuse", 0, {"Color": color})
        if material.pattern in _COATED and material.roughness < 0.75:
            gloss = g.add("BsdfGlossy", 0, {"Color": (1.0, 1.0, 1.0), "Roughness": max(material.roughness, 0.12)})
            strength = g.math("MULTIPLY", g.add("Fresnel", 0, {"IOR": 1.45}), _COATED[material.pattern])
            surface = g.add("MixShader", 0, {0: strength, 1: surface, 2: gloss})
    g.output("OutputMaterial", surface)
