"""A checkpoint's processor: tokenizer, image processor and chat template.

Many families' processors have a part for video files, which needs torchvision; questions here show the frames of a
video as pictures. So where torchvision is not installed, a processor is made without that part.
"""

from typing import Any

from builders.errors import InputError

VIDEO = "video_processor"


class _NoVideo(dict):
    """Stands for the part that is missing. SmolVLM asks it how to sample frames also where there is no video; and it is
    written to the log as JSON."""

    num_frames = fps = None


NO_VIDEO = _NoVideo()


def load_processor(model: str, config: Any, revision: str | None = None) -> Any:
    """The processor of a Hub id or folder.

    Args:
        config: the model's, from ``AutoConfig``.

    Raises:
        InputError: it needs a part that cannot be had here.
        OSError, ValueError: files missing or not understood.
    """
    from transformers import AutoProcessor
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
    from transformers.utils import is_torchvision_available

    family: Any = None if is_torchvision_available() else PROCESSOR_MAPPING.get(type(config), None)
    if family is None or VIDEO not in family.get_attributes():
        return AutoProcessor.from_pretrained(model, revision=revision)
    return _without_video(family, model, revision)


def _without_video(family: Any, model: str, revision: str | None) -> Any:
    """A processor of that class without its video part."""
    from transformers import AutoImageProcessor, AutoTokenizer

    loaders: dict[str, Any] = {"image_processor": AutoImageProcessor, "tokenizer": AutoTokenizer}
    if other := [name for name in family.get_attributes() if name not in (*loaders, VIDEO)]:
        raise InputError(f"--model {model}: its {other[0]} needs torchvision; install the one made for your torch")
    parts = [NO_VIDEO if name == VIDEO else loaders[name].from_pretrained(model, revision=revision)
             for name in family.get_attributes()]
    settings, _ = family.get_processor_dict(model, revision=revision)
    return _pictures_only(family).from_args_and_dict(parts, settings)


def _pictures_only(family: Any) -> Any:
    """A processor class that takes ``NO_VIDEO`` for its video part."""

    def check(self: Any, name: str, part: Any) -> Any:
        return None if part is NO_VIDEO else family.check_argument_for_proper_class(self, name, part)

    return type(family.__name__, (family,), {"check_argument_for_proper_class": check})
