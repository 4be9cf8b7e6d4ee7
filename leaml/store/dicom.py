"""DICOM pictures of one frame: their true values or colours, and of all else in the file only what stands in a list.

    if looks_like(data): slice = read(data)

The header is read first, without pixels, and by an allow-list: what describes the pixels, what took them, and whether
text may be burned in. Names, dates, places and numbers of people never leave `read`, but for `Slice.belongs`, which
`leaml.store.pseudonyms` turns into a name that says nothing. No other file is ever opened: a DICOMDIR is refused.
"""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.pixels import apply_modality_lut, get_decoder, pixel_array
from pydicom.uid import UID

from leaml.store.greys import MOST, Greys, numbered, pack

PIXELS = (
    "SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PlanarConfiguration", "NumberOfFrames", "RescaleIntercept", "RescaleSlope", "RescaleType",
    "ModalityLUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence",
)  # fmt: skip
ORIGIN = ("Modality", "SOPClassUID", "BurnedInAnnotation", "Manufacturer", "ManufacturerModelName")
BELONGING = ("IssuerOfPatientID", "PatientID", "StudyInstanceUID")
"""What says which pictures show the same person; see `Slice.belongs`."""
ALLOWED = (*PIXELS, *ORIGIN, *BELONGING)

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_DIRECTORY = "1.2.840.10008.1.3.10"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_WRITES_INTO_PICTURES = ("US", "SC", "OT")
"""Modalities whose pictures carry text whatever their header says."""
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_GREYS = ("MONOCHROME1", "MONOCHROME2")


class Refused(Exception):
    """Why a file is not taken; follows the file's name in a sentence."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One picture of a DICOM file.

    Attributes:
        colours: (height, width, 3) uint8; None where there are greys.
        greys, numbers: what the numbers mean, and the numbers, (height, width) uint16; None where there are colours.
        device: maker and model of what took it, or "".
        burned_in: text may be written into the pixels.
        belongs: whom or which study it shows, in clear, or "". For `leaml.store.pseudonyms` alone; never kept.
        notes: what was changed.
    """

    colours: np.ndarray | None
    greys: Greys | None
    numbers: np.ndarray | None
    device: str
    burned_in: bool
    belongs: str = field(repr=False)
    notes: tuple[str, ...] = ()


def looks_like(data: bytes) -> bool:
    """Whether a file says that it is DICOM."""
    return data[128:132] == b"DICM"


def read(data: bytes, most_pixels: int) -> Slice:
    """The picture in a DICOM file.

    Raises:
        Refused: it holds none, more than one, too many pixels, or one that cannot be opened here.
        Exception: pydicom's readers raise errors of every kind on damaged files.
    """
    if _DEFLATED in data:  # it would be unpacked as a whole, however large that is, before anything can be checked
        raise Refused("is a deflated DICOM file, which is not opened; save it without that compression")
    try:
        header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=[*ALLOWED])
    except InvalidDicomError as error:
        raise Refused("is no whole DICOM file") from error
    _check(header, most_pixels)
    values = pixel_array(io.BytesIO(data), index=0)
    own: dict[str, Any] = {"device": _device(header), "burned_in": _burned_in(header), "belongs": _belongs(header)}
    if header.PhotometricInterpretation in _COLOURS:
        return Slice(np.ascontiguousarray(values, dtype=np.uint8), None, None, **own)
    greys, numbers, notes = _true_values(values, header)
    return Slice(None, greys, numbers, **own, notes=tuple(notes))


# ---- what is refused ---------------------------------------------------------------------------------------------


def _check(header: pydicom.Dataset, most_pixels: int) -> None:
    """Finds a header harmless and its picture one that can be opened.

    Raises:
        Refused: it is not.
    """
    kind = str(header.file_meta.get("MediaStorageSOPClassUID", ""))
    if kind == _DIRECTORY:
        raise Refused("is a DICOMDIR, a table of contents; give the files that it names")
    if any(name not in header for name in ("Rows", "Columns", "PhotometricInterpretation", "BitsAllocated")):
        raise Refused("is a DICOM file without a picture")
    rows, columns, frames = int(header.Rows), int(header.Columns), int(header.get("NumberOfFrames") or 1)
    if frames > 1:
        raise Refused(f"holds {frames:,} frames; save the one that is meant as a picture of its own")
    if not rows or not columns or rows * columns > most_pixels:
        raise Refused(f"has {rows * columns / 1e6:,.1f} million pixels; {most_pixels / 1e6:.0f} are allowed")
    _check_pixels(header)
    syntax = UID(str(header.file_meta.get("TransferSyntaxUID", "")))
    if syntax.is_compressed and not _has_decoder(syntax):
        raise Refused(f"is compressed as {syntax.name}, which cannot be opened here; save it uncompressed")


def _check_pixels(header: pydicom.Dataset) -> None:
    kind, samples = str(header.PhotometricInterpretation), int(header.get("SamplesPerPixel", 1))
    if kind == "PALETTE COLOR":
        raise Refused("has colours by palette, which are not opened; save it with true colours")
    if kind not in (*_COLOURS, *_GREYS) or samples != (3 if kind in _COLOURS else 1):
        raise Refused(f"has pixels of the kind {kind[:20]!r}, which are not known here")
    if kind in _COLOURS and int(header.BitsAllocated) != 8:
        raise Refused("has colours of more than 8 bits, which are not opened")
    if int(header.BitsAllocated) not in (1, 8, 16, 32):
        raise Refused(f"has {int(header.BitsAllocated)} bits for each pixel, which are not opened")


def _has_decoder(syntax: UID) -> bool:
    try:
        return bool(get_decoder(syntax).is_available)
    except NotImplementedError:
        return False


# ---- what is kept ------------------------------------------------------------------------------------------------


def _true_values(values: np.ndarray, header: pydicom.Dataset) -> tuple[Greys, np.ndarray, list[str]]:
    """Greys after the modality's table or line, whole, and the window that the file asks for."""
    notes = []
    slope, intercept = float(header.get("RescaleSlope", 1) or 1), float(header.get("RescaleIntercept", 0) or 0)
    if "ModalityLUTSequence" in header and len(header.ModalityLUTSequence):
        values, slope, intercept = apply_modality_lut(values, header), 1.0, 0.0
    if not np.isfinite([slope, intercept]).all():
        raise Refused("holds grey levels that are not numbers")
    least, most = int(values.min()), int(values.max())
    numbers, exact = numbered(values)
    if not exact:
        notes.append(f"{most - least:,} steps of grey reduced to {MOST:,}")
        slope, intercept = slope * (most - least) / MOST, slope * least + intercept
    rescaled = "RescaleSlope" in header
    hounsfield = rescaled and (header.get("RescaleType") or ("HU" if header.get("Modality") == "CT" else "")) == "HU"
    inverted = header.PhotometricInterpretation == "MONOCHROME1"
    greys, stored = pack(numbers, slope, intercept, _window(header, notes), "HU" if hounsfield else "", inverted)
    return greys, stored, [*notes, f"models see the window {greys.centre:g} / {greys.width:g}"]


def _window(header: pydicom.Dataset, notes: list[str]) -> tuple[float, float] | None:
    """(centre, width) of the first window of the file; of a table instead of one, the range that it covers."""
    centre, width = _first(header.get("WindowCenter")), _first(header.get("WindowWidth"))
    if centre is not None and width is not None and np.isfinite([centre, width]).all() and width >= 1:
        if header.get("VOILUTFunction", "LINEAR") == "SIGMOID":
            notes.append("its curved window is shown straight")
        return centre, width
    tables = header.get("VOILUTSequence")
    if tables:
        entries, begin = (int(value) for value in tables[0].LUTDescriptor[:2])
        notes.append("its table of greys is shown as a straight window")
        return begin + (entries or 65_536) / 2, float(entries or 65_536)
    return None


def _first(value: Any) -> float | None:
    first = next(iter(value), None) if isinstance(value, MultiValue) else value
    return None if first in (None, "") else float(first)


def _device(header: pydicom.Dataset) -> str:
    names = (str(header.get(name) or "").strip() for name in ("Manufacturer", "ManufacturerModelName"))
    return " ".join(dict.fromkeys(name for name in names if name))[:100]


def _burned_in(header: pydicom.Dataset) -> bool:
    capture = str(header.get("SOPClassUID", "")).startswith(_SECONDARY_CAPTURE)
    return capture or header.get("Modality") in _WRITES_INTO_PICTURES or header.get("BurnedInAnnotation") != "NO"


def _belongs(header: pydicom.Dataset) -> str:
    if patient := str(header.get("PatientID") or "").strip():
        return f"{header.get('IssuerOfPatientID') or ''}|{patient}"
    return str(header.get("StudyInstanceUID") or "")
