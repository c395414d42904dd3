"""The pictures of a row: source bytes as they are, encoded once more only where a marker is drawn."""

from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import Image

from builders.errors import SceneError
from builders.scenes.scene import Scene, SceneSource
from builders.spar.markers import draw_markers

EncodedImage = dict[str, Any]
"""``bytes`` and ``path``, the storage form of ``datasets.Image``."""

_KEPT_DECODED = 24


class Pictures:
    """Reads and marks the frames of one scene. Encoded frames are kept, since making one again may mean rendering it;
    recently used ones also decoded."""

    def __init__(self, source: SceneSource, scene: Scene):
        self._source = source
        self._scene = scene
        self._frames = {frame.frame_id: frame for frame in scene.frames}
        self._encoded: dict[str, bytes] = {}
        self._decoded: OrderedDict[str, Image.Image] = OrderedDict()

    def check(self, frame_id: str) -> None:
        """Raise ``SceneError`` if the frame's picture is missing, cannot be decoded, or has another size than its
        camera says."""
        if frame_id not in self._encoded:
            self._read(frame_id)

    def of_row(self, row: Mapping[str, Any]) -> list[EncodedImage]:
        """The row's views in order, with its markers burnt in.

        Raises:
            SceneError: a picture cannot be decoded or has another size than its camera says.
        """
        read = [self._read(frame_id) for frame_id in row["frame_ids"]]
        result = []
        for view, (frame_id, (data, image)) in enumerate(zip(row["frame_ids"], read, strict=True)):
            markers = [item | {"image_index": 0} for item in row["objects"]
                       if item["color"] and item["image_index"] == view]
            name = f"{row['scene_id']}_{frame_id}"
            if markers:
                (marked,) = draw_markers([image], markers)
                result.append({"bytes": encode_jpeg(marked), "path": f"{name}_marked.jpg"})
            else:
                result.append({"bytes": data, "path": f"{name}.{_suffix(data)}"})
        return result

    def _read(self, frame_id: str) -> tuple[bytes, Image.Image]:
        where = f"{self._scene.source} {self._scene.scene_id} frame {frame_id}"
        frame = self._frames.get(frame_id)
        if frame is None:
            raise SceneError(f"{where}: not in the scan; the rows were made from another export of it")
        if frame_id in self._decoded:
            self._decoded.move_to_end(frame_id)
            return self._encoded[frame_id], self._decoded[frame_id]
        data = self._encoded.get(frame_id) or self._source.read_color(self._scene, frame)
        try:
            image = Image.open(BytesIO(data))
            image.load()
        except OSError as error:
            raise SceneError(f"{where}: the colour image cannot be decoded ({error})") from error
        if image.size != (frame.width, frame.height):
            raise SceneError(f"{where}: the colour image has {image.size[0]}x{image.size[1]} pixels, its camera "
                             f"{frame.width}x{frame.height}; all frames of a scan must have one size")
        self._encoded[frame_id] = data
        self._decoded[frame_id] = image
        if len(self._decoded) > _KEPT_DECODED:
            self._decoded.popitem(last=False)
        return data, image


def encode_jpeg(image: Image.Image) -> bytes:
    """JPEG, quality 95, full colour resolution (4:4:4), so that thin markers keep their colour."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def _suffix(data: bytes) -> str:
    return "png" if data.startswith(b"\x89PNG") else "jpg"
