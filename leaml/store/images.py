"""Pictures at the door: decoded safely, stripped of all that is not picture, with a thumbnail. No torch.

    decoded = decode(path)
    decoded.data                # what to store: the JPEG's own stream without metadata, or a PNG; upright, 8 bits

A file's content decides what it is, not its name. What is stored is never the file as it came: of a JPEG that lies
upright, the coded pixels are kept bit for bit and all else (EXIF, position, comments, colour profile, what follows the
end) is gone; everything else is decoded and written anew as PNG. Both are then free of whatever hid in the file.
Such a JPEG is read to its last coded pixel, but shaped at thumbnail size only: that costs half of opening it.
Pictures of more than 8 bits are stored twice: as a model sees them, and with their true values (leaml.store.greys).
"""

import io
import math
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from leaml.errors import DataError, StorageError
from leaml.store import jpeg
from leaml.store.greys import MOST, Greys, numbered, pack, render, write_numbers

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
LARGEST_FILE = 300_000_000
"""Bytes; a picture of the most pixels without any compression has 240 million."""
MOST_PIXELS = 80_000_000
"""As many as models open (leaml.models.writing); checked before anything is decoded."""
LONGEST_SIDE = 65_500
"""What a JPEG can hold, for the thumbnail."""
MOST_SCANS = 200
"""A progressive JPEG has about ten. Each costs a pass over all pixels, and can be a few bytes long."""
THUMBNAIL_SIDE = 320

_GREYS = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_METADATA = {
    "exif": "EXIF", "Raw profile type exif": "EXIF", "xmp": "XMP", "XML:com.adobe.xmp": "XMP", "comment": "comment",
    "photoshop": "Photoshop data",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture that can be stored and shown.

    Attributes:
        data: a JPEG or PNG of 8 bits, upright, without metadata.
        size: width and height of its pixels.
        suffix: of `data`, ".jpg" or ".png".
        source_hash: SHA-256 of the file as it came, in hex.
        stored_hash: SHA-256 of `data`, in hex.
        thumb: a JPEG, longest side at most 320, and of a larger picture more than 160.
        dhash: 64 bits in hex; see leaml.store.likeness.
        pixels: "rgb", "grey", or "grey 16 bit" where more than 8 bits came.
        note: what was changed in the picture itself; "" where nothing was.
        dropped: kinds of metadata that came with it, such as "EXIF".
        greys: what the numbers of `deep` mean; None where there were 8 bits.
        deep: the true values, as a PNG of 16 bits; b"" where there were 8.
        device: what took it, where the file says so.
        burned_in: text may be written into the pixels.
        belongs: whom it shows, in clear: see `leaml.store.pseudonyms`.
    """

    data: bytes
    size: tuple[int, int]
    suffix: str
    source_hash: str
    stored_hash: str
    thumb: bytes
    dhash: str
    pixels: str
    note: str
    dropped: tuple[str, ...]
    greys: Greys | None = None
    deep: bytes = field(default=b"", repr=False)
    device: str = ""
    burned_in: bool = False
    belongs: str = field(default="", repr=False)

    @property
    def image(self) -> Image.Image:
        """The pixels of `data`, mode "L" or "RGB"; decoded at each call."""
        with Image.open(io.BytesIO(self.data), formats=("JPEG", "PNG")) as image:
            image.load()
        image.info = {}
        return image


class _Refused(Exception):
    """Why a file is not taken; follows the file's name in a sentence."""


_quiet_now = threading.Lock()
_quiet_users: list[warnings.catch_warnings] = []


@contextmanager
def quiet() -> Iterator[None]:
    """Warnings of damaged metadata, which is not taken anyway, are not shown meanwhile. For several threads at once.

    The filters of warnings belong to the whole process: the first that enters sets them, the last that leaves puts them
    back. Nothing rests on them: what is too large is refused by its size.
    """
    with _quiet_now:
        if not _quiet_users:
            caught = warnings.catch_warnings()
            caught.__enter__()
            warnings.simplefilter("ignore")
        else:
            caught = _quiet_users[0]
        _quiet_users.append(caught)
    try:
        yield
    finally:
        with _quiet_now:
            _quiet_users.pop()
            if not _quiet_users:
                caught.__exit__(None, None, None)


# ---- one picture -------------------------------------------------------------------------------------------------


def decode(path: Path, name: str = "") -> Decoded:
    """Reads a picture file; `name` stands for it in errors.

    Raises:
        DataError: the file is empty, too large, damaged, or no picture of a known format.
        StorageError: the file cannot be read.
    """
    return decode_bytes(read(path, name), name or path.name)


def read(path: Path, name: str = "") -> bytes:
    """A file's bytes, where they are few enough to be a picture.

    Raises:
        DataError: the file is empty or too large. StorageError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            # No more than there is: memory for the largest file costs a third of reading a common one.
            data = file.read(min(os.fstat(file.fileno()).st_size, LARGEST_FILE) + 1)
    except OSError as error:
        what = f"{name or path.name} cannot be read: {error.strerror or error}."
        raise StorageError(what, "Check the file and its permissions.") from error
    if len(data) > LARGEST_FILE:
        raise _refusal(name or path.name, f"is larger than {LARGEST_FILE / 1e6:.0f} MB")
    if not data:
        raise _refusal(name or path.name, "is an empty file")
    return data


def source_hash(data: bytes) -> str:
    """SHA-256 in hex, by which a second import finds the same file."""
    return sha256(data).hexdigest()


def decode_bytes(data: bytes, name: str, source: str = "") -> Decoded:
    """As `decode`, of what a file holds; `source` is its `source_hash` where that is known."""
    try:
        with quiet():
            read = _dicom if data[128:132] == b"DICM" else _decode
            return read(data, source or source_hash(data))
    except _Refused as error:
        raise _refusal(name, str(error)) from error
    except UnidentifiedImageError as error:
        raise _refusal(name, "is not a PNG, JPEG, TIFF, BMP, WebP or DICOM picture") from error
    except Image.DecompressionBombError as error:
        raise _refusal(name, f"has more than {MOST_PIXELS / 1e6:.0f} million pixels") from error
    except MemoryError as error:
        raise _refusal(name, "needs more memory than there is") from error
    except Exception as error:  # the readers raise errors of every kind on damaged and hostile files
        raise _refusal(name, f"is damaged ({_shown(error)})") from error


def _decode(data: bytes, source: str) -> Decoded:
    opened = _open(data)
    orientation, dropped = _orientation(opened), _dropped(opened)
    upright = orientation in range(2, 9)
    stream, certain = jpeg.bare(data) if opened.format in ("JPEG", "MPO") and not upright else (None, False)
    if certain:
        return _as_it_lies(opened, stream, source, dropped)
    opened.load()
    image = ImageOps.exif_transpose(opened) if upright else opened
    turned = ["turned upright"] * upright
    if image.mode in _GREYS:
        greys, numbers, note = _true_values(image)
        return _deep(source, greys, numbers, note=[note, *turned], dropped=dropped)
    image, pixels, notes = _eight_bits(image)
    kept = stream if stream is not None and _shows(stream, image) else None
    more = {"pixels": pixels, "note": [*notes, *turned], "dropped": dropped}
    return _stored(source, image, kept or _png(image), ".jpg" if kept else ".png", **more)


def _as_it_lies(image: Image.Image, stream: bytes, source: str, dropped: tuple[str, ...]) -> Decoded:
    """A JPEG whose stream is kept. All of it is read, and no more pixels are shaped than a thumbnail needs."""
    size, times = image.size, -(-max(image.size) // THUMBNAIL_SIDE)
    scale = next((scale for scale in (1, 2, 4, 8) if scale >= times), 8)  # what a JPEG can be shaped at
    image.draft(image.mode, tuple(max(1, side // scale) for side in size))
    image.load()
    image.info = {}
    pixels = "grey" if image.mode == "L" else "rgb"
    return _stored(source, image, stream, ".jpg", size=size, pixels=pixels, note=[], dropped=dropped)


def _shows(stream: bytes, image: Image.Image) -> bool:
    """Whether a JPEG's bare stream decodes to the same: not where only a dropped segment explains its colours."""
    with Image.open(io.BytesIO(stream), formats=("JPEG",)) as again:
        return (again.mode, again.size, again.tobytes()) == (image.mode, image.size, image.tobytes())


def _dicom(data: bytes, source: str) -> Decoded:
    from leaml.store import dicom  # pydicom is a large library, and most pictures are none of its

    try:
        found = dicom.read(data, MOST_PIXELS)
    except dicom.Refused as error:
        raise _Refused(str(error)) from error
    more = {
        "note": [*found.notes], "dropped": ("DICOM header",), "device": found.device, "burned_in": found.burned_in,
        "belongs": found.belongs,
    }  # fmt: skip
    if found.colours is None:
        return _deep(source, found.greys, found.numbers, **more)
    image = Image.fromarray(found.colours)
    return _stored(source, image, _png(image), ".png", pixels="rgb", **more)


def _deep(source: str, greys: Greys, numbers: np.ndarray, **more: Any) -> Decoded:
    """A picture of more than 8 bits, as models see it and with its true values."""
    image = Image.fromarray(render(numbers, greys))
    values = write_numbers(numbers)
    return _stored(source, image, _png(image), ".png", pixels="grey 16 bit", greys=greys, deep=values, **more)


def _stored(source: str, image: Image.Image, stored: bytes, suffix: str, note: list[str], **more: Any) -> Decoded:
    """All that is made of the picture that is kept; `size`, where `image` is a smaller copy of it."""
    thumb, code = thumbnail(image)
    return Decoded(
        data=stored,
        size=more.pop("size", image.size),
        suffix=suffix,
        source_hash=source,
        # Two pictures may look the same through their windows.
        stored_hash=sha256(stored + more.get("deep", b"")).hexdigest(),
        thumb=thumb,
        dhash=code,
        note="; ".join(note),
        **more,
    )


def _open(data: bytes) -> Image.Image:
    """The picture's header, found harmless: nothing is decoded yet."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    million = image.width * image.height / 1e6
    if million > MOST_PIXELS / 1e6:
        raise _Refused(f"has {million:,.0f} million pixels; {MOST_PIXELS / 1e6:.0f} are allowed")
    if max(image.size) > LONGEST_SIDE:
        raise _Refused(f"is {max(image.size):,} pixels long; {LONGEST_SIDE:,} are allowed")
    frames = getattr(image, "n_frames", 1)
    # A JPEG of several frames (MPO) is what telephones write: the first is the picture, others are previews of it.
    if frames > 1 and image.format != "MPO":
        raise _Refused(f"holds {frames} frames; save the one that is meant as a picture of its own")
    if image.info.get("progressive") and data.count(b"\xff\xda") > MOST_SCANS:
        raise _Refused("is built of so many passes that it would take very long to open")
    return image


def _orientation(image: Image.Image) -> object:
    """The EXIF orientation, 1 where it cannot be read. TIFF is turned by Pillow's reader itself."""
    if image.format == "TIFF":
        return 1
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged EXIF block takes nothing from the picture
        return 1


def _dropped(image: Image.Image) -> tuple[str, ...]:
    """Kinds of metadata in a picture that was not loaded yet."""
    found = {kind for key, kind in _METADATA.items() if image.info.get(key)}
    if image.format == "PNG" and getattr(image, "text", None):
        found.add("text")
    try:
        if image.getexif().get_ifd(ExifTags.IFD.GPSInfo):
            found.add("position")
    except Exception:  # as above
        found.add("EXIF")
    return tuple(sorted(found))


def _eight_bits(image: Image.Image) -> tuple[Image.Image, str, list[str]]:
    """The picture as "L" or "RGB" with nothing attached, its kind of pixels, and what had to be changed."""
    notes = []
    pixels = "grey" if image.mode in ("1", "L", "LA", "La") else "rgb"
    if image.has_transparency_data:
        image, notes = _on_black(image, "L" if image.mode in ("LA", "La", "L", "1") else "RGB")
    plain = image.convert("L" if pixels != "rgb" else "RGB") if image.mode not in ("L", "RGB") else image
    plain.info = {}
    return plain, pixels, notes


def _true_values(image: Image.Image) -> tuple[Greys, np.ndarray, str]:
    """Greys of more than 8 bits, the darkest as black and the brightest as white: cut off at 255 they would be lost."""
    values = np.asarray(image)
    try:
        numbers, exact = numbered(values)
    except ValueError as error:
        raise _Refused(str(error)) from error
    note = f"grey levels {float(values.min()):g} to {float(values.max()):g} shown as 0 to 255"
    greys, stored = pack(numbers)
    return greys, stored, note if exact else f"{note}; kept in {MOST:,} steps"


def _on_black(image: Image.Image, mode: str) -> tuple[Image.Image, list[str]]:
    """Without transparency. Black, as around the view of an endoscope: what was hidden does not come to light."""
    image = image.convert("RGBA")
    ground = Image.new("RGBA", image.size, (0, 0, 0, 255))
    clear = image.getchannel("A").getextrema()[0] < 255
    return Image.alpha_composite(ground, image).convert(mode), ["transparent parts made black"] if clear else []


def thumbnail(image: Image.Image) -> tuple[bytes, str]:
    """A small JPEG of a picture, and its `dhash`."""
    small = _reduced(image)
    return _jpeg(small), dhash(small)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # Level 1 is four times as fast as the default, for a few per cent more bytes.
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _reduced(image: Image.Image) -> Image.Image:
    """The thumbnail; of a picture twice as large or more, the means of whole squares, which cost least."""
    times = max(image.size) / THUMBNAIL_SIDE
    if times >= 2:
        return image.reduce(math.ceil(times))
    if times <= 1:
        return image
    size = tuple(max(1, round(side / times)) for side in image.size)
    return image.resize(size, Image.Resampling.HAMMING)


def _refusal(name: str, reason: str) -> DataError:
    return DataError(f"{name} {reason}.", "Replace or remove it.")


def _shown(error: Exception) -> str:
    text = str(error)[:80]
    return text if text.isprintable() and text else type(error).__name__


def dhash(image: Image.Image) -> str:
    """64 bits in hex: whether each of 9 × 8 greys is darker than its neighbour on the right."""
    greys = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS, reducing_gap=4.0))
    return np.packbits(greys[:, 1:] > greys[:, :-1]).tobytes().hex()
