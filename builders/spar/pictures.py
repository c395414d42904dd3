"""The pictures of a row: source bytes as they are, encoded once more only where a marker is drawn."""

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from builders.errors import SceneError
from builders.scenes.scene import Scene, SceneSource
from builders.spar.image_quality import QUALITY_SIDE, quality_problem
from builders.spar.limits import Limits
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
        self._errors: dict[str, SceneError] = {}
        self._flaws: dict[str, str | None] = {}
        self._flawed: dict[str, str] = {}

    def problem(self, row: Mapping[str, Any], limits: Limits) -> str | None:
        """Why the row's frames cannot be shown: ``image_unreadable`` (missing, not decodable, of another size than its
        camera says), or, videos apart, a reason of ``quality_problem``. Each frame is looked at once, and small."""
        for frame_id in row["frame_ids"]:
            if frame_id not in self._flaws and frame_id not in self._errors:
                try:
                    self._flaws[frame_id] = quality_problem(self._decode(frame_id, small=True), limits)
                except SceneError as error:
                    self._errors[frame_id] = error
            if frame_id in self._errors:
                return "image_unreadable"
            flaw = self._flaws[frame_id] if row["img_type"] != "video" else None
            if flaw:
                self._flawed[frame_id] = flaw
                return flaw
        return None

    @property
    def flawed(self) -> dict[str, int]:
        """Frames that questions wanted and that show too little, by reason: ``frames_too_dark``, and so on."""
        return dict(Counter(flaw.replace("image", "frames") for flaw in self._flawed.values()))

    @property
    def unreadable(self) -> frozenset[str]:
        """Frames that questions wanted and whose pictures cannot be read."""
        return frozenset(self._errors)

    def require_any(self) -> None:
        """Raise ``SceneError``, with the first reason, if frames were looked at and none of them could be read."""
        if self._errors and not self._encoded:
            raise next(iter(self._errors.values()))

    def of_row(self, row: Mapping[str, Any]) -> list[EncodedImage]:
        """The row's views in order, with its markers burnt in.

        Raises:
            SceneError: a picture cannot be decoded or has another size than its camera says.
        """
        return with_markers(row, [self._read(frame_id) for frame_id in row["frame_ids"]])

    def of_frame(self, frame_id: str) -> EncodedImage:
        """A frame as its source has it.

        Raises:
            SceneError: as ``of_row``.
        """
        if frame_id not in self._encoded:
            self._decode(frame_id, small=True)
        data = self._encoded[frame_id]
        return {"bytes": data, "path": f"{self._scene.scene_id}_{frame_id}.{_suffix(data)}"}

    def _read(self, frame_id: str) -> tuple[bytes, Image.Image]:
        if frame_id in self._decoded:
            self._decoded.move_to_end(frame_id)
        else:
            self._decoded[frame_id] = self._decode(frame_id)
            if len(self._decoded) > _KEPT_DECODED:
                self._decoded.popitem(last=False)
        return self._encoded[frame_id], self._decoded[frame_id]

    def _decode(self, frame_id: str, small: bool = False) -> Image.Image:
        """The frame's picture.

        Args:
            small: a JPEG is decoded at the smallest size that quality can be measured at, which takes half the time.
        """
        where = f"{self._scene.source} {self._scene.scene_id} frame {frame_id}"
        frame = self._frames.get(frame_id)
        if frame is None:
            raise SceneError(f"{where}: not in the scan; the rows were made from another export of it")
        data = self._encoded.get(frame_id) or self._source.read_color(self._scene, frame)
        try:
            image = Image.open(BytesIO(data))
            size = image.size
            if small:
                image.draft(None, (QUALITY_SIDE, QUALITY_SIDE))
            image.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise SceneError(f"{where}: the colour image cannot be decoded ({error})") from error
        if size != (frame.width, frame.height):
            raise SceneError(f"{where}: the colour image has {size[0]}x{size[1]} pixels, its camera "
                             f"{frame.width}x{frame.height}; all frames of a scan must have one size")
        self._encoded[frame_id] = data
        return image


def with_markers(row: Mapping[str, Any], views: Sequence[tuple[bytes, Image.Image]]) -> list[EncodedImage]:
    """The row's views in order, its markers burnt in.

    Args:
        views: encoded and decoded.
    """
    marked = draw_markers([image for _, image in views], row["objects"])
    carriers = {item["image_index"] for item in row["objects"] if item["color"]}
    result = []
    for view, (frame_id, (data, _)) in enumerate(zip(row["frame_ids"], views, strict=True)):
        name = f"{row['scene_id']}_{frame_id}"
        if view in carriers:
            result.append({"bytes": encode_jpeg(marked[view]), "path": f"{name}_marked.jpg"})
        else:
            result.append({"bytes": data, "path": f"{name}.{_suffix(data)}"})
    return result


def encode_jpeg(image: Image.Image) -> bytes:
    """JPEG, quality 95, full colour resolution (4:4:4), so that thin markers keep their colour."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def _suffix(data: bytes) -> str:
    return "png" if data.startswith(b"\x89PNG") else "jpg"
