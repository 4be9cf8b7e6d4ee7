"""What a teacher is asked, and its words as a caption. No torch."""

import re
import unicodedata

from leaml.models import prompts
from leaml.options import CaptionOptions

_THOUGHTS = re.compile(r"<think>.*?</think>|^.*</think>", re.DOTALL)


def request(options: CaptionOptions) -> str:
    """What the teacher is asked."""
    return options.prompt.strip() or prompts.CAPTION


def plain(text: str) -> str:
    """One line, without thoughts and without characters that cannot be seen."""
    line = " ".join(_THOUGHTS.sub(" ", text).split())
    return "".join(character for character in line if unicodedata.category(character) not in ("Cc", "Cf", "Cs")).strip()
