"""Pictures of more than 8 bits: the true values, kept whole, and the window through which a model sees them.

    greys, stored = pack(numbers, slope=1, intercept=-1024, window=(40, 400), unit="HU")
    shown = render(stored, greys)        # 8 bits: what models see, and what the viewer begins with
"""

import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

MOST = 65_535


@dataclass(frozen=True, slots=True)
class Greys:
    """What the 16-bit numbers of a picture mean.

    Attributes:
        offset, slope: value = offset + slope × stored number.
        unit: of the values, "HU" or "".
        centre, width: of the window in values, as DICOM's linear function has it.
        least, most: of the values that occur.
        inverted: low values are shown bright (MONOCHROME1).
        file: of the numbers, below the project's folder; "" until it is stored.
    """

    offset: float
    slope: float
    unit: str
    centre: float
    width: float
    least: float
    most: float
    inverted: bool = False
    file: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the database and the viewer have it."""
        return asdict(self)


def pack(
    numbers: np.ndarray,
    slope: float = 1.0,
    intercept: float = 0.0,
    window: tuple[float, float] | None = None,
    unit: str = "",
    inverted: bool = False,
) -> tuple[Greys, np.ndarray]:
    """Numbers as they are kept, (height, width) uint16, and what they mean.

    Args:
        numbers: (height, width), whole, from the least to the greatest at most 65,535 apart: see `numbered`.
        slope, intercept: value = slope × number + intercept; the slope is not 0.
        window: (centre, width) in values; None: all values.
    """
    first, last = int(numbers.min()), int(numbers.max())
    least, most = sorted((slope * first + intercept, slope * last + intercept))
    centre, width = window or ((least + most + 1) / 2, most - least + 1)
    greys = Greys(slope * first + intercept, slope, unit, centre, width, least, most, inverted)
    return greys, np.subtract(numbers, first, dtype=np.int64 if last > 2**31 - 1 else np.int32).astype(np.uint16)


def numbered(values: np.ndarray) -> tuple[np.ndarray, bool]:
    """Values as whole numbers that `pack` takes, and whether they are the same values still.

    Raises:
        ValueError: one is not a number.
    """
    least, most = float(values.min()), float(values.max())
    if not np.isfinite([least, most]).all():
        raise ValueError("holds grey levels that are not numbers")
    if np.issubdtype(values.dtype, np.integer) and most - least <= MOST:
        return values, True
    share = (values.astype(np.float64) - least) / ((most - least) or 1)
    return np.rint(share * MOST).astype(np.int32), False


def write_numbers(stored: np.ndarray) -> bytes:
    """The numbers as a PNG of 16 bits."""
    buffer = io.BytesIO()
    Image.fromarray(stored.astype(np.uint16)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def read_numbers(path: Path) -> np.ndarray:
    """The numbers of a PNG of 16 bits, (height, width) uint16.

    Raises:
        OSError: there is none.
    """
    with Image.open(path, formats=("PNG",)) as image:
        return np.asarray(image, dtype=np.uint16)


def render(stored: np.ndarray, greys: Greys) -> np.ndarray:
    """The picture in 8 bits, through its window.

    Source: DICOM PS3.3 C.11.2.1.2.1, the linear function: ((x − (c − 0.5)) / (w − 1) + 0.5), cut off at both ends.
    """
    table = greys.offset + greys.slope * np.arange(MOST + 1, dtype=np.float64)
    # Of width 1, all up to the middle is black: a very steep line that begins there.
    steps = max(greys.width - 1, 1e-6)
    share = (table - (greys.centre - 0.5) - (5e-7 if greys.width <= 1 else 0)) / steps + 0.5
    share = np.clip(1 - share if greys.inverted else share, 0, 1)
    return np.rint(share * 255).astype(np.uint8)[stored]
