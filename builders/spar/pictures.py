"""The pictures of a row: source bytes as they are, encoded once more only where a marker is drawn."""

from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import Image

from builders.errors import SceneError
from builders.scenes.scene import Frame, Scene, SceneSource
from builders.spar.markers import draw_markers

EncodedImage = dict[str, Any]
"""``bytes`` and ``path``, the storage form of ``datasets.Image``."""

_KEPT_DECODED = 24


class Pictures:
    """Reads and marks the frames of one scene; recently used frames stay in memory."""

    def __init__(self, source: SceneSource, scene: Scene):
        self._source = source
        self._scene = scene
        self._frames = {frame.frame_id: frame for frame in scene.frames}
        self._recent: OrderedDict[str, tuple[bytes, Image.Image]] = OrderedDict()

    def of_row(self, row: Mapping[str, Any]) -> list[EncodedImage]:
        """The row's views in order, with its markers burnt in.

        Raises:
            SceneError: a picture cannot be decoded or has another size than its camera says.
        """
        missing = [frame_id for frame_id in row["frame_ids"] if frame_id not in self._frames]
        if missing:
            raise SceneError(f"{self._scene.source} {self._scene.scene_id}: no frame {missing[0]}; the rows were made "
                             "from another export of this scan")
        read = [self._read(self._frames[frame_id]) for frame_id in row["frame_ids"]]
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

    def _read(self, frame: Frame) -> tuple[bytes, Image.Image]:
        if frame.frame_id in self._recent:
            self._recent.move_to_end(frame.frame_id)
            return self._recent[frame.frame_id]
        data = self._source.read_color(self._scene, frame)
        where = f"{self._scene.source} {self._scene.scene_id} frame {frame.frame_id}"
        try:
            image = Image.open(BytesIO(data))
            image.load()
        except OSError as error:
            raise SceneError(f"{where}: the colour image cannot be decoded ({error})") from error
        if image.size != (frame.width, frame.height):
            raise SceneError(f"{where}: the colour image has {image.size[0]}x{image.size[1]} pixels, its camera "
                             f"{frame.width}x{frame.height}; all frames of a scan must have one size")
        self._recent[frame.frame_id] = data, image
        if len(self._recent) > _KEPT_DECODED:
            self._recent.popitem(last=False)
        return data, image


def encode_jpeg(image: Image.Image) -> bytes:
    """JPEG, quality 95, full colour resolution (4:4:4), so that thin markers keep their colour."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def _suffix(data: bytes) -> str:
    return "png" if data.startswith(b"\x89PNG") else "jpg"
