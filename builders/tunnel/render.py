"""Pictures of the tunnel with Blender Cycles; the one file of the tunnel that needs bpy.

A cell is put together from renders of each object alone (``compose``), or rendered in full where one object stands in
the other's light. Either way its picture depends on scene, cell, settings and look only: never on what was rendered
before. Without the denoiser it repeats bit for bit, with it within 2 of 255 levels.
"""

import os
import tempfile
from math import radians
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.blender import import_bpy, quiet
from builders.randomness import stable_hash
from builders.scenes.procedural.node_graph import Graph, Socket
from builders.tunnel.compose import Picture, compose, coverage, develop, encode, share_light
from builders.tunnel.layout import TunnelObject, TunnelScene, TunnelSettings, center_of, place
from builders.tunnel.look import DEFAULT_LOOK, OBJECT_COLORS, TunnelLook, Wall, draw_wall, toward_sun

Where = tuple[int | None, int | None]
"""Positions of the far and the near object; None for an absent one."""

_VERSION = 1
"""Of this file's drawing: raise it when the same scene, settings and look come out differently."""


class TunnelRenderer:
    """Renders cells of one scene after the other.

    Renders of single objects are kept while the scene stays the same: go through all cells of a scene before the next.

    Args:
        cache: folder for these renders, so that a later run takes them up: 33 files of 1.5 MB a scene at 512 pixels.
        composing: put cells together from renders of single objects. False renders each in full, which is cheaper
            where a scene has few cells; the pictures differ by less than their noise.
    """

    def __init__(self, settings: TunnelSettings | None = None, look: TunnelLook = DEFAULT_LOOK,
                 cache: Path | None = None, *, composing: bool = True) -> None:
        self.settings = settings or TunnelSettings()
        self.look = look
        self.composing = composing
        self.cache = cache
        self._scene: TunnelScene | None = None
        self._kept: dict[Where, NDArray[np.float16]] = {}

    def render(self, scene: TunnelScene, cell: tuple[int, int]) -> bytes:
        """PNG of a cell (k_far, k_near).

        Raises:
            ImportError: bpy is missing.
        """
        return encode(self.pixels(scene, cell))

    def pixels(self, scene: TunnelScene, cell: tuple[int, int]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 sRGB."""
        if self.composing and not share_light(scene, place(scene, cell, self.settings), self.look):
            return self.composed(scene, cell)
        return self.rendered(scene, cell)

    def rendered(self, scene: TunnelScene, cell: tuple[int, int]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 sRGB, both objects rendered together."""
        return develop(self._rendered(scene, cell).astype(np.float32), self.look.exposure)

    def composed(self, scene: TunnelScene, cell: tuple[int, int]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 sRGB, put together from renders of each object alone."""
        placement = place(scene, cell, self.settings)
        covers = (coverage(item, center, self.settings, self.look.filter_width) for item, center in
                  ((scene.far, placement.far_center), (scene.near, placement.near_center)))
        parts = (self._part(scene, where) for where in ((None, None), (cell[0], None), (None, cell[1])))
        return develop(compose(*parts, *covers), self.look.exposure)

    def _part(self, scene: TunnelScene, where: Where) -> Picture:
        if scene != self._scene:
            self._scene = scene
            self._kept = {}
        if where not in self._kept:
            self._kept[where] = self._from_disk(scene, where)
        return self._kept[where].astype(np.float32)

    def _from_disk(self, scene: TunnelScene, where: Where) -> NDArray[np.float16]:
        if self.cache is None:
            return self._rendered(scene, where)
        key = stable_hash(_VERSION, repr((scene, self.settings, self.look, where))).hex()[:32]
        path = self.cache / f"{key}.npy"
        if not path.exists():
            made = self._rendered(scene, where)
            self.cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.cache, suffix=".tmp", delete=False) as file:
                np.save(file, made)
            os.replace(file.name, path)
        return np.load(path)

    def _rendered(self, scene: TunnelScene, where: Where) -> NDArray[np.float16]:
        """(H, W, 3) linear RGB. Half floats resolve 1/2000 of any brightness, ten times finer than 8 bit."""
        bpy = import_bpy()
        with quiet(), tempfile.TemporaryDirectory(prefix="vantage-") as folder:
            build_scene(bpy, scene, where, self.settings, self.look)
            path = str(Path(folder) / "render.exr")
            bpy.context.scene.render.filepath = path
            bpy.ops.render.render(write_still=True)
            image = bpy.data.images.load(path)
            size = self.settings.resolution
            pixels = np.empty(size * size * image.channels, np.float32)
            image.pixels.foreach_get(pixels)
            bpy.data.images.remove(image)
        return pixels.reshape(size, size, -1)[::-1, :, :3].astype(np.float16)


def build_scene(bpy: Any, scene: TunnelScene, where: Where, settings: TunnelSettings, look: TunnelLook) -> None:
    """Replace Blender's scene by the corridor with the objects that ``where`` asks for.

    Blender's axes are x right, y forward, z up: the tunnel's, with the last two exchanged.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    made = bpy.context.scene
    _configure(made, scene.seed + look.seed, settings, look)
    _add_world(bpy, made, scene, look)
    _add_sun(bpy, made, scene, look)
    _add_walls(bpy, made, draw_wall(scene, settings.width), settings, look)
    for item, depth, k in ((scene.far, settings.depth_far, where[0]), (scene.near, settings.depth_near, where[1])):
        if k is not None:
            _add_object(bpy, item, center_of(k, item.size, depth, settings))
    data = bpy.data.cameras.new("camera")
    data.angle = radians(settings.field_of_view)
    data.clip_start = 0.01
    made.camera = bpy.data.objects.new("camera", data)
    made.camera.rotation_euler = (radians(90), 0, 0)
    made.collection.objects.link(made.camera)


def _configure(made: Any, seed: int, settings: TunnelSettings, look: TunnelLook) -> None:
    made.render.engine = "CYCLES"
    cycles = made.cycles
    cycles.device = "CPU"
    cycles.samples = look.samples
    cycles.use_adaptive_sampling = False
    cycles.sampling_pattern = "BLUE_NOISE"
    cycles.seed = seed % 2**31
    cycles.max_bounces = cycles.glossy_bounces = cycles.diffuse_bounces = look.bounces
    cycles.transmission_bounces = 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.use_fast_gi = True
    cycles.fast_gi_method = "REPLACE"
    cycles.ao_bounces_render = 1
    cycles.use_denoising = look.denoise
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_use_gpu = False
    cycles.denoising_quality = look.denoiser_quality
    cycles.denoising_prefilter = look.denoiser_prefilter
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.use_auto_tile = False
    cycles.pixel_filter_type = "BLACKMAN_HARRIS"
    cycles.filter_width = look.filter_width
    made.render.resolution_x = made.render.resolution_y = settings.resolution
    made.render.resolution_percentage = 100
    image = made.render.image_settings
    image.file_format, image.color_mode, image.color_depth = "OPEN_EXR", "RGB", "32"


def _add_world(bpy: Any, made: Any, scene: TunnelScene, look: TunnelLook) -> None:
    """The sky, mirrored at the horizon; its sun is a lamp of its own."""
    world = made.world = bpy.data.worlds.new("world")
    world.cycles.sampling_method = "NONE"
    world.light_settings.ao_factor = 1.0
    world.light_settings.distance = look.ambient_distance
    world.node_tree.nodes.clear()
    g = Graph(world.node_tree)
    x, y = g.split(g.add("TexCoord", "Generated", {}))
    above = g.add("CombineXYZ", 0, {0: x, 1: y, 2: g.math("ABSOLUTE", x.node.outputs["Z"])})
    sky = g.add("TexSky", 0, {"Vector": above}, sky_type="SINGLE_SCATTERING", sun_disc=False, aerosol_density=look.haze,
                ozone_density=look.ozone, sun_elevation=radians(look.sun_elevation), sun_rotation=scene.sun_rotation)
    g.output("OutputWorld", g.add("Background", 0, {"Color": sky, "Strength": look.sky_strength}))


def _add_sun(bpy: Any, made: Any, scene: TunnelScene, look: TunnelLook) -> None:
    from mathutils import Vector

    data = bpy.data.lights.new("sun", "SUN")
    data.energy, data.angle, data.color = look.sun_strength, radians(look.sun_size), look.sun_color
    data.cycles.use_multiple_importance_sampling = False
    x, y, z = toward_sun(scene, look).tolist()
    lamp = bpy.data.objects.new("sun", data)
    lamp.rotation_euler = Vector((x, z, y)).to_track_quat("Z", "Y").to_euler()
    made.collection.objects.link(lamp)


def _add_walls(bpy: Any, made: Any, wall: Wall, settings: TunnelSettings, look: TunnelLook) -> None:
    """Four sides and both ends. Texture coordinates are metres: along the corridor, and around it."""
    half, front, back = settings.width / 2, -look.behind, settings.length
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    material = bpy.data.materials.new("wall")
    material.node_tree.nodes.clear()
    _shade_wall(Graph(material.node_tree), wall)
    sides = []
    for n in range(4):
        (ax, az), (bx, bz) = corners[n], corners[(n + 1) % 4]
        around = n * settings.width
        sides.append(([(ax, front, az), (bx, front, bz), (bx, back, bz), (ax, back, az)],
                      [(front, around), (front, around + settings.width), (back, around + settings.width),
                       (back, around)]))
    for depth in (front, back):
        sides.append(([(x, depth, z) for x, z in corners], [(x + 50 * half, z + 50 * half) for x, z in corners]))
    for points, coordinates in sides:
        mesh = bpy.data.meshes.new("wall")
        mesh.from_pydata(points, [], [(0, 1, 2, 3)])
        layer = mesh.attributes.new("surface", "FLOAT_VECTOR", "CORNER").data
        layer.foreach_set("vector", np.pad(np.array(coordinates), ((0, 0), (0, 1))).astype(np.float32).ravel())
        mesh.materials.append(material)
        side = bpy.data.objects.new("wall", mesh)
        side.visible_shadow = False
        made.collection.objects.link(side)


def _shade_wall(g: Graph, wall: Wall) -> None:
    surface = g.attribute("surface")
    stains = g.add("VectorMath", 0, {0: surface, 1: (*wall.shift, 0.0)}, operation="ADD")
    random, seam = _pieces(g, wall, surface)
    clouds = g.noise(stains, 1.1 if wall.pattern == "panels" else 2.2, detail=4.0)
    grain = g.noise(stains, 38.0, detail=2.0)
    tone = g.step(random, 0.0, 1.0, (1 - wall.contrast, 1 + wall.contrast))
    tone = g.math("MULTIPLY", tone, g.step(clouds, 0.3, 0.7, (0.86, 1.10)))
    tone = g.math("MULTIPLY", tone, g.step(grain, 0.3, 0.7, (0.90, 1.08)))
    height = g.math("SUBTRACT", 1.0, seam)
    if wall.pattern == "panels":
        holes = _tie_holes(g, wall, surface)
        tone = g.math("MULTIPLY", tone, g.step(holes, 0.0, 1.0, (1.0, 0.35)))
        height = g.math("SUBTRACT", height, holes)
    color = g.mix(seam, g.shade(wall.color, tone), wall.seam)
    rough = g.math("ADD", height, g.math("MULTIPLY", grain, 0.12 if wall.pattern == "tiles" else 0.5))
    normal = g.add("Bump", 0, {"Height": rough, "Strength": 0.5, "Distance": 0.006})
    matt = g.add("BsdfDiffuse", 0, {"Color": color, "Normal": normal})
    g.output("OutputMaterial", matt)


def _pieces(g: Graph, wall: Wall, surface: Socket) -> tuple[Socket, Socket]:
    """A random number per piece, and 1 on the seams."""
    random = g.add("TexBrick", "Color", {
        "Vector": surface, "Scale": 1.0, "Color1": (0, 0, 0), "Color2": (1, 1, 1), "Mortar": (0.5, 0.5, 0.5),
        "Mortar Size": wall.gap / 2, "Mortar Smooth": 0.25, "Bias": 0.0, "Brick Width": wall.length,
        "Row Height": wall.height}, offset=wall.offset, offset_frequency=2, squash=1.0)
    return random, random.node.outputs["Fac"]


def _tie_holes(g: Graph, wall: Wall, surface: Socket) -> Socket:
    """1 in the round holes that the formwork left near the corners of each concrete panel."""
    apart = []
    for axis, period in zip(g.split(surface), (wall.length, wall.height), strict=True):
        inside = g.math("MULTIPLY", g.math("FRACT", g.math("DIVIDE", axis, period)), period)
        from_edge = g.math("MINIMUM", inside, g.math("SUBTRACT", period, inside))
        apart.append(g.math("SUBTRACT", from_edge, 0.16))
    return g.step(g.distance(*apart), 0.016, 0.020, (1.0, 0.0))


def _add_object(bpy: Any, item: TunnelObject, center: NDArray[np.float64]) -> None:
    x, y, z = center.tolist()
    if item.shape == "sphere":
        bpy.ops.mesh.primitive_uv_sphere_add(segments=96, ring_count=48, radius=item.size, location=(x, z, y))
        bpy.ops.object.shade_smooth()
    else:
        bpy.ops.mesh.primitive_cube_add(size=2 * item.size, location=(x, z, y))
    material = bpy.data.materials.new(item.name)
    material.node_tree.nodes.clear()
    g = Graph(material.node_tree)
    g.output("OutputMaterial", g.add("BsdfPrincipled", 0, {
        "Base Color": OBJECT_COLORS[item.color], "Roughness": item.roughness}))
    bpy.context.object.data.materials.append(material)
