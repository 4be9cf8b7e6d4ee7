"""Processors for pictures and text alone: on the PIL backend, without the packages that video would need.

    processor = load_processor(folder, config, {"local_files_only": True}, "owner/name")
    image_only(transformers.Qwen3VLProcessor)               # the class, without its video processor
"""

import sys
from typing import Any

from transformers import AutoImageProcessor, AutoProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.processing_utils import ProcessorMixin

from leaml.errors import ModelError


def load_processor(source: str, config: Any, options: dict[str, Any], name: str) -> Any:
    """The processor of a model, with pictures on the PIL backend, and without video, which would need more packages.

    Args:
        source: its folder.
        options: as `from_pretrained` takes them.
        name: what the model is called in front of the user.

    Raises:
        ModelError: it has no processor for pictures, or its tokenizer no token for them.
    """
    family = PROCESSOR_MAPPING.get(type(config), None)
    if family is not None and "video_processor" in family.get_attributes():
        processor = image_only(family).from_pretrained(source, **options)
    else:
        processor = AutoProcessor.from_pretrained(source, **options)
    if not hasattr(processor, "image_processor"):
        raise ModelError(f"{name} has no processor for pictures.", "Copy its preprocessor_config.json too.")
    # `AutoProcessor(backend="pil")` would hand the word to the tokenizer and the video processor too, which know
    # another.
    if not type(processor.image_processor).__name__.endswith("Pil"):
        processor.image_processor = AutoImageProcessor.from_pretrained(source, backend="pil", **options)
    _refuse_without_image_token(processor, config, name)
    return processor


def _refuse_without_image_token(processor: Any, config: Any, name: str) -> None:
    """Without it, a picture would be read as the letters of its placeholder, or as another word."""
    number = getattr(config, "image_token_id", None)
    known = {token for token in processor.image_token_ids if token is not None}
    if number is not None and known and number not in known:
        raise ModelError(
            f"The tokenizer of {name} has no token for pictures: number {number} is another.",
            "Copy its tokenizer files again, or choose another model.",
        )


class _SkipMissingParts(ProcessorMixin):
    """Stands behind a family's processor class and leaves out the parts that it was not given."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*(part for part in parts if part is not None), **options)


class _WithoutVideo:
    """Stands before a family's processor class, and reads its parts but the video processor."""

    @classmethod
    def _get_arguments_from_pretrained(cls, *source: Any, **options: Any) -> list[Any]:
        return [*super()._get_arguments_from_pretrained(*source, **options), None]  # in the video processor's place


def image_only(family: type) -> type:
    """The processor class `family` for pictures and text alone, which needs none of the packages for video."""
    module = sys.modules[family.__module__]
    if getattr(module, "num2words", family) is None:
        module.num2words = str  # SmolVLM insists on this package, to spell out how many frames a video has
    attributes = [name for name in family.get_attributes() if name != "video_processor"]
    body = {
        "get_attributes": classmethod(lambda cls: attributes),
        "apply_chat_template": ProcessorMixin.apply_chat_template,  # SmolVLM's own asks the video processor first
    }
    return type(family.__name__, (_WithoutVideo, family, _SkipMissingParts), body)
