"""A room as Blender's scene: meshes with materials, lamps, sun and sky, and the sampling settings of Cycles.

bpy is not imported here, but handed in.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.scenes.procedural.cycles_settings import CyclesSettings
from builders.scenes.procedural.lighting import SKY_COLOR, is_window, light_powers, sun_direction
from builders.scenes.procedural.node_graph import Graph
from builders.scenes.procedural.room import Light, Material, Part, Room, RoomObject
from builders.scenes.procedural.texture_coordinates import texture_coordinates
from builders.scenes.procedural.textures import shade_material

SCENE_NAME = "vantage room"
"""Tells our scene from any that other code has loaded into Blender since."""


def build_scene(bpy: Any, room: Room, settings: CyclesSettings) -> None:
    """Replace Blender's scene by ``room``."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = SCENE_NAME
    _configure(bpy, scene, settings)
    _add_world(bpy, scene, settings)
    materials: dict[Material, Any] = {}
    for thing in room.shell + room.objects:
        for part in thing.parts:
            if part.material not in materials:
                materials[part.material] = _add_material(bpy, part.material)
            _add_part(bpy, scene, thing, part, materials[part.material])
    for light, power in zip(room.lights, light_powers(room)):
        _add_light(bpy, scene, light, power, settings)
    sun = sun_direction(room)
    if sun is not None and settings.sun > 0:
        _add_sun(bpy, scene, sun, settings)
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(scene.camera)


def _configure(bpy: Any, scene: Any, settings: CyclesSettings) -> None:
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples = settings.samples
    cycles.use_adaptive_sampling = False
    cycles.sampling_pattern = "BLUE_NOISE"
    cycles.seed = settings.seed
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = settings.bounces
    cycles.transmission_bounces = 0
    cycles.transparent_max_bounces = 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = settings.indirect_clamp
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_quality = settings.denoiser_quality
    cycles.denoising_prefilter = settings.denoiser_prefilter
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.use_auto_tile = False
    cycles.pixel_filter_type = "BLACKMAN_HARRIS"
    cycles.filter_width = settings.pixel_filter_width
    cycles.use_fast_gi = settings.ambient > 0
    cycles.fast_gi_method = "REPLACE"
    cycles.ao_bounces_render = settings.bounces
    scene.render.use_persistent_data = True
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.render.image_settings.compression = 0
    scene.render.dither_intensity = 0.0
    scene.view_settings.view_transform = settings.view_transform
    scene.view_settings.look = settings.look
    scene.view_settings.exposure = settings.exposure


def _add_world(bpy: Any, scene: Any, settings: CyclesSettings) -> None:
    """Sky for the camera; for all other rays the even, slightly warm light that stands for further bounces."""
    world = scene.world = bpy.data.worlds.new("world")
    world.cycles.sampling_method = "NONE"
    world.light_settings.ao_factor = 1.0
    world.light_settings.distance = settings.ambient_distance
    g = Graph(world.node_tree)
    world.node_tree.nodes.clear()
    direction = g.add("TexCoord", "Generated", {})
    height = g.add("SeparateXYZ", "Z", {0: direction})
    sky = g.mix(g.step(height, 0.0, 0.5), (0.80, 0.87, 0.92), SKY_COLOR)
    trees = g.step(g.noise(g.scaled(direction, (1.0, 1.0, 0.3)), 9.0, detail=4.0), 0.3, 0.7, (0.0, 0.14))
    crown = g.shade((0.20, 0.30, 0.14), g.step(g.noise(direction, 40.0), 0.3, 0.7, (0.8, 1.25)))
    sky = g.mix(g.step(g.math("SUBTRACT", height, trees), -0.01, 0.01), crown, sky)
    sky = g.mix(g.step(height, -0.06, -0.03), (0.36, 0.42, 0.26), sky)
    inside = g.mix(g.step(height, -0.6, 0.6), (0.86, 0.78, 0.68), (1.0, 0.98, 0.94))
    seen = g.add("LightPath", "Is Camera Ray", {})
    strength = g.step(seen, 0.0, 1.0, (settings.ambient, settings.sky))
    background = g.add("Background", 0, {"Color": g.mix(seen, inside, sky), "Strength": strength})
    g.output("OutputWorld", background)


def _add_material(bpy: Any, material: Material) -> Any:
    made = bpy.data.materials.new(material.name)
    made.node_tree.nodes.clear()
    shade_material(made.node_tree, material)
    made.cycles.emission_sampling = "NONE"
    return made


def _add_part(bpy: Any, scene: Any, owner: RoomObject, part: Part, material: Any) -> None:
    mesh = bpy.data.meshes.new(owner.object_id)
    count = len(part.faces)
    mesh.vertices.add(len(part.vertices))
    mesh.vertices.foreach_set("co", part.vertices.astype(np.float32).ravel())
    mesh.loops.add(3 * count)
    mesh.loops.foreach_set("vertex_index", part.faces.astype(np.int32).ravel())
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.polygons.foreach_set("use_smooth", np.full(count, part.smooth))
    where = texture_coordinates(part, owner.box)
    for name, values in (("solid", where.solid), ("surface", np.pad(where.surface, ((0, 0), (0, 0), (0, 1))))):
        corners = mesh.attributes.new(name, "FLOAT_VECTOR", "CORNER").data
        corners.foreach_set("vector", values.astype(np.float32).ravel())
    mesh.attributes.new("piece", "FLOAT", "FACE").data.foreach_set("value", where.piece.astype(np.float32))
    mesh.materials.append(material)
    made = bpy.data.objects.new(owner.object_id, mesh)
    made.visible_shadow = part.material.pattern not in ("glass", "emissive")
    scene.collection.objects.link(made)


def _add_light(bpy: Any, scene: Any, light: Light, power: float, settings: CyclesSettings) -> None:
    if min(light.size) > 0:
        data = bpy.data.lights.new("light", "AREA")
        data.shape = "RECTANGLE"
        data.size, data.size_y = light.size
        data.spread = np.radians(settings.window_spread if is_window(light) else 170.0)
    else:
        data = bpy.data.lights.new("light", "POINT")
        data.shadow_soft_size = 0.06
    data.energy = power
    data.color = light.color
    _link_light(bpy, scene, data, np.array(light.direction), np.array(light.position))


def _add_sun(bpy: Any, scene: Any, direction: NDArray[np.float64], settings: CyclesSettings) -> None:
    data = bpy.data.lights.new("sun", "SUN")
    data.energy = settings.sun
    data.angle = np.radians(settings.sun_angle)
    data.color = (1.0, 0.92, 0.78)
    _link_light(bpy, scene, data, direction, np.zeros(3))


def _link_light(bpy: Any, scene: Any, data: Any, direction: NDArray[np.float64], position: NDArray[np.float64]) -> None:
    """Lights shine along their own -Z; local Y of a wall light stays upright, so that ``size`` is (width, height)."""
    made = bpy.data.objects.new(data.name, data)
    backward = -direction / np.linalg.norm(direction)
    upward = np.array([0.0, 0.0, 1.0]) if abs(backward[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    right = np.cross(upward, backward)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = right, np.cross(backward, right), backward, position
    made.matrix_world = matrix.T.tolist()
    made.visible_camera = made.visible_glossy = False
    scene.collection.objects.link(made)
