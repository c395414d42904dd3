"""Blender shader nodes written as expressions, so that a texture reads like a formula.

bpy is not imported here: a ``Graph`` works on the node tree it is given.
"""

from typing import Any

Socket = Any
"""A Blender node socket, a number, or a colour or vector as a tuple."""


class Graph:
    """A material's node tree, written as expressions: every method adds a node and returns its output."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    def add(self, kind: str, output: str | int, inputs: dict[str | int, Socket], **properties: Any) -> Socket:
        """A node of type ``kind`` with its properties set and inputs linked or filled; returns one of its outputs."""
        node = self.tree.nodes.new("ShaderNode" + kind)
        for name, value in properties.items():
            setattr(node, name, value)
        for key, value in inputs.items():
            socket = node.inputs[key]
            if hasattr(value, "is_linked"):
                self.tree.links.new(value, socket)
            elif socket.type == "RGBA" and len(value) == 3:
                socket.default_value = (*value, 1.0)
            else:
                socket.default_value = value
        return node.outputs[output]

    def output(self, kind: str, surface: Socket) -> None:
        """Make ``surface`` the tree's result; ``kind`` is OutputMaterial or OutputWorld."""
        self.tree.links.new(surface, self.tree.nodes.new("ShaderNode" + kind).inputs["Surface"])

    def attribute(self, name: str, output: str = "Vector") -> Socket:
        return self.add("Attribute", output, {}, attribute_name=name)

    def math(self, operation: str, a: Socket, b: Socket = 0.0) -> Socket:
        return self.add("Math", 0, {0: a, 1: b}, operation=operation)

    def scaled(self, vector: Socket, factor: tuple[float, float, float]) -> Socket:
        return self.add("VectorMath", 0, {0: vector, 1: factor}, operation="MULTIPLY")

    def distance(self, x: Socket, y: Socket) -> Socket:
        """Length of the vector (x, y)."""
        return self.math("SQRT", self.math("ADD", self.math("MULTIPLY", x, x), self.math("MULTIPLY", y, y)))

    def split(self, vector: Socket) -> tuple[Socket, Socket]:
        x = self.add("SeparateXYZ", "X", {0: vector})
        return x, x.node.outputs["Y"]

    def noise(self, vector: Socket, scale: float, detail: float = 2.0, distortion: float = 0.0) -> Socket:
        """Noise around 0.5, mostly within 0.3 to 0.7; ``scale`` is repeats per unit."""
        return self.add("TexNoise", 0, {"Vector": vector, "Scale": scale, "Detail": detail, "Distortion": distortion})

    def random(self, value: Socket) -> Socket:
        """A random number in [0, 1] per distinct ``value``."""
        return self.add("TexWhiteNoise", "Value", {"W": value}, noise_dimensions="1D")

    def step(self, value: Socket, low: float, high: float, to: tuple[float, float] = (0.0, 1.0)) -> Socket:
        """``value`` mapped smoothly from [low, high] to ``to``, clamped."""
        return self.add("MapRange", 0, {0: value, 1: low, 2: high, 3: to[0], 4: to[1]}, interpolation_type="SMOOTHSTEP")

    def mix(self, factor: Socket, a: Socket, b: Socket, blend: str = "MIX") -> Socket:
        return self.add("MixRGB", 0, {0: factor, 1: a, 2: b}, blend_type=blend)

    def shade(self, color: Socket, brightness: Socket) -> Socket:
        """``color`` times ``brightness``."""
        return self.add("VectorMath", 0, {0: color, "Scale": brightness}, operation="SCALE")

    def tone(self, color: Socket, low: float, high: float) -> Socket:
        """``color`` with a brightness between ``low`` and ``high`` for each piece of the part."""
        return self.shade(color, self.step(self.random(self.attribute("piece", "Fac")), 0.0, 1.0, (low, high)))

