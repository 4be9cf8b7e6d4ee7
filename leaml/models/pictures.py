"""Pictures as models get them: opened safely, upright, in RGB with 8 bits a channel.

    image = open_picture(Path("scan.png"))          # DataError where it cannot be used
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from leaml.errors import DataError

PICTURE_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
MOST_PIXELS = 80_000_000
"""Of one picture. Beyond it lie decompression bombs, and slides that need a viewer of their own."""


def open_picture(image: Image.Image | Path) -> Image.Image:
    """The picture in RGB with 8 bits a channel, upright, read in whole.

    Raises:
        DataError: the file is missing, damaged, too large, or not a picture of a known format.
    """
    if isinstance(image, Image.Image):
        return _eight_bits(image)
    try:
        with Image.open(image, formats=PICTURE_FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            return _eight_bits(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError as error:
        what = f"The picture {image} has more than {MOST_PIXELS / 1e6:.0f} million pixels."
        raise DataError(what, "Make it smaller, or remove it.") from error
    except FileNotFoundError as error:
        raise DataError(f"The picture {image} is not there.", "Put it back, or remove what is asked of it.") from error
    except UnidentifiedImageError as error:
        what = f"{image} is not a picture in one of the formats {', '.join(PICTURE_FORMATS)}."
        raise DataError(what, "Convert or remove it.") from error
    except (OSError, ValueError, SyntaxError, TypeError, EOFError) as error:  # all of these come from damaged files
        raise DataError(f"The picture {image} cannot be read: {error}.", "Replace or remove it.") from error


def _eight_bits(image: Image.Image) -> Image.Image:
    # Pillow would cut 16 bits off at 255, and leave a white picture.
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")
