"""Pictures at the door: what comes in is clean and whole, what is hostile is refused by name."""

import io
import random
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from leaml.errors import DataError, StorageError
from leaml.store import images
from leaml.store.images import decode, decode_bytes
from leaml.store.jpeg import bare

SECRET = b"Jane Doe 1961-05-04"


def scene(seed=1, size=(96, 64), mode="RGB"):
    """A picture with something on it everywhere, so that any change of it shows."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation=1):
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010E] = SECRET.decode()
    found.get_ifd(0x8825)[1] = "N"
    found.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return found


def segment(marker, content):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width, height, content=b""):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")


def assert_nothing_hides(decoded):
    """The stored file holds the pixels and nothing that came along with them."""
    assert SECRET not in decoded.data and SECRET not in decoded.thumb
    for data in (decoded.data, decoded.thumb):
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert not image.getexif() and not getattr(image, "text", None)
            assert {name for name in image.info if not name.startswith("jfif")} <= {"progressive", "progression"}
    with Image.open(io.BytesIO(decoded.data)) as image:
        assert image.mode == decoded.image.mode
        assert np.array_equal(np.asarray(image), np.asarray(decoded.image))


# ---- what is taken -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_format_comes_in_with_its_pixels(kind, mode):
    data = saved(scene(mode=mode), kind, **({"lossless": True} if kind == "WEBP" else {}))
    decoded = decode_bytes(data, "1.jpg")
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image.convert(decoded.image.mode))
    assert np.array_equal(np.asarray(decoded.image), expected)
    assert decoded.suffix == (".jpg" if kind == "JPEG" else ".png")
    assert decoded.image.size == (96, 64) and decoded.note == ""
    assert_nothing_hides(decoded)


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 60}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 2}, {"optimize": True},
        {"keep_rgb": True},
    ],
)  # fmt: skip
def test_a_jpeg_keeps_its_coded_pixels_and_loses_the_rest(options):
    clean = saved(scene(), "JPEG", **options)
    hidden = (
        segment(0xE1, b"Exif\x00\x00" + exif().tobytes()[6:])
        + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00<x>" + SECRET + b"</x>")
        + segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x13" + SECRET)
        + segment(0xE2, b"ICC_PROFILE\x00\x01\x01" + SECRET)
        + segment(0xEF, SECRET + b"\xff\xd9")
        + segment(0xFE, SECRET)
    )
    decoded = decode_bytes(clean[:2] + hidden + clean[2:] + b"PK\x03\x04" + SECRET, "1.jpg")
    assert decoded.suffix == ".jpg"
    assert {"EXIF", "XMP", "comment"} <= set(decoded.dropped)
    with Image.open(io.BytesIO(clean)) as image:
        assert np.array_equal(np.asarray(image), np.asarray(decoded.image))
    assert decoded.data.endswith(b"\xff\xd9") and len(decoded.data) <= len(clean)
    assert_nothing_hides(decoded)


def test_metadata_alone_makes_no_other_picture():
    clean = saved(scene(), "JPEG")
    with_comment = clean[:2] + segment(0xFE, SECRET) + clean[2:]
    first, second = decode_bytes(clean, "1.jpg"), decode_bytes(with_comment, "2.jpg")
    assert first.stored_hash == second.stored_hash and first.source_hash != second.source_hash


def test_the_place_where_a_picture_was_taken_is_noticed_and_dropped():
    decoded = decode_bytes(saved(scene(), "JPEG", exif=exif()), "1.jpg")
    assert decoded.dropped == ("EXIF", "position")
    assert_nothing_hides(decoded)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("numbers", [b"\x01\x02\x03", b"\x00\x01\x02", b"RGB"])
@pytest.mark.parametrize("jfif", [True, False])
def test_a_stream_that_is_kept_unseen_decodes_to_the_same_pixels(mode, numbers, jfif):
    data = saved(scene(mode=mode), "JPEG")
    for place in range(3 if mode == "RGB" else 0):
        old, new = bytes([place + 1]), numbers[place : place + 1]
        frame, scan = data.index(b"\xff\xc0"), data.rindex(b"\xff\xda")
        for at in (frame + 10 + 3 * place, scan + 5 + 2 * place):
            assert data[at : at + 1] == old
            data = data[:at] + new + data[at + 1 :]
    if not jfif:
        data = data[:2] + data[2 + 2 + int.from_bytes(data[4:6], "big") :]
    decoded = decode_bytes(data, "1.jpg")
    with Image.open(io.BytesIO(decoded.data)) as stored, Image.open(io.BytesIO(data)) as before:
        assert np.array_equal(np.asarray(stored), np.asarray(before.convert(stored.mode)))


def test_colours_that_only_a_dropped_segment_explains_are_written_anew():
    clean = saved(scene(), "JPEG", keep_rgb=True)
    # Components that are numbered 1, 2, 3 are YCbCr, unless Adobe's segment says that they are not.
    adobe = segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x00")
    data = clean[:2] + adobe + clean[2:]
    for letter, number in ((b"R\x11", b"\x01\x11"), (b"G\x11", b"\x02\x11"), (b"B\x11", b"\x03\x11")):
        data = data.replace(letter, number, 1)
    data = data.replace(b"\x03R\x00G\x00B\x00", b"\x03\x01\x00\x02\x00\x03\x00", 1)
    decoded = decode_bytes(data, "1.jpg")
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), np.asarray(decoded.image))
    assert decoded.suffix == ".png"
    assert_nothing_hides(decoded)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(kind, orientation):
    data = saved(scene(), kind, exif=exif(orientation))
    decoded = decode_bytes(data, "1")
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2} if kind != "TIFF" else {}  # Pillow turns a TIFF itself
        expected = image.transpose(Image.Transpose(turns[orientation])) if orientation in turns else image
        assert np.array_equal(np.asarray(decoded.image), np.asarray(expected.convert("RGB")))
    assert decoded.image.size == ((64, 96) if orientation > 4 else (96, 64))
    assert_nothing_hides(decoded)


@pytest.mark.parametrize(
    "block", [b"", b"II*\x00", b"MM\x00*\xff\xff\xff\xff", b"\xff" * 60, b"II*\x00\x08\x00\x00\x00\xff\xff"]
)
def test_a_damaged_exif_block_takes_nothing_from_the_picture(block):
    clean = saved(scene(), "JPEG")
    decoded = decode_bytes(clean[:2] + segment(0xE1, b"Exif\x00\x00" + block) + clean[2:], "1.jpg")
    assert decoded.image.size == (96, 64) and decoded.suffix == ".jpg"


def test_text_in_a_png_and_bytes_after_its_end_are_dropped():
    data = saved(scene(), "PNG", exif=exif())
    text = chunk(b"tEXt", b"Patient\x00" + SECRET) + chunk(b"zTXt", b"Note\x00\x00" + zlib.compress(SECRET))
    at = data.index(b"IDAT") - 4
    decoded = decode_bytes(data[:at] + text + data[at:] + b"<script>" + SECRET, "1.png")
    assert {"EXIF", "text"} <= set(decoded.dropped)
    assert_nothing_hides(decoded)


@pytest.mark.parametrize("mode", ["CMYK", "P", "1", "YCbCr", "HSV", "LA", "RGBA", "PA"])
def test_every_kind_of_colour_becomes_grey_or_rgb(mode):
    kinds = {"CMYK": "JPEG", "YCbCr": "JPEG", "HSV": None, "PA": None}
    kind = kinds.get(mode, "PNG")
    if kind is None:
        mode, kind = "CMYK", "TIFF"
    decoded = decode_bytes(saved(scene(mode=mode), kind), "1")
    assert decoded.image.mode in ("L", "RGB")
    assert decoded.pixels == ("grey" if decoded.image.mode == "L" else "rgb")
    assert_nothing_hides(decoded)


def test_a_cmyk_jpeg_shows_the_same_colours_as_before():
    data = saved(scene(mode="CMYK"), "JPEG", quality=95)
    decoded = decode_bytes(data, "1.jpg")
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(decoded.image))
    assert decoded.suffix == ".png"


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_transparency_hides_does_not_come_to_light(kind):
    image = scene().convert("RGBA")
    image.paste((255, 0, 0, 0), (0, 0, 20, 20))
    decoded = decode_bytes(saved(image, kind, **({"lossless": True} if kind == "WEBP" else {})), "1")
    assert decoded.image.getpixel((5, 5)) == (0, 0, 0)
    assert decoded.image.getpixel((60, 40)) == image.getpixel((60, 40))[:3]
    assert "transparent" in decoded.note
    assert_nothing_hides(decoded)


def test_a_palette_with_a_transparent_colour_is_laid_on_black():
    image = Image.new("P", (40, 30), 0)
    image.putpalette([200, 30, 30, 10, 200, 10] + [0] * 762)
    image.paste(1, (0, 0, 10, 10))
    decoded = decode_bytes(saved(image, "PNG", transparency=1), "1.png")
    assert decoded.image.getpixel((5, 5)) == (0, 0, 0) and decoded.image.getpixel((20, 20)) == (200, 30, 30)
    assert_nothing_hides(decoded)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_greys_of_16_bits_keep_their_steps(kind):
    greys = np.linspace(100, 4195, 64 * 48).astype(np.uint16).reshape(48, 64)
    decoded = decode_bytes(saved(Image.fromarray(greys), kind), "1")
    assert decoded.pixels == "grey 16 bit" and "100 to 4195" in decoded.note
    shown = np.asarray(decoded.image)
    assert (shown[0, 0], shown[-1, -1]) == (0, 255) and len(np.unique(shown)) == 256
    assert_nothing_hides(decoded)


def test_greys_that_are_no_numbers_are_refused_and_even_ones_are_black():
    greys = np.ones((10, 10), dtype=np.float32)
    assert decode_bytes(saved(Image.fromarray(greys), "TIFF"), "1.tif").image.getextrema() == (0, 0)
    greys[3, 3] = np.nan
    with pytest.raises(DataError, match=r"1\.tif holds grey levels that are not numbers"):
        decode_bytes(saved(Image.fromarray(greys), "TIFF"), "1.tif")


def test_the_picture_of_a_telephone_is_its_first_frame():
    data = saved(scene(1), "MPO", save_all=True, append_images=[scene(2)])
    decoded = decode_bytes(data, "1.jpg")
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 2 and np.array_equal(np.asarray(image), np.asarray(decoded.image))
    assert decoded.suffix == ".jpg" and len(decoded.data) < 0.6 * len(data)


def test_a_wrong_suffix_and_a_second_nature_do_not_matter(tmp_path):
    path = tmp_path / "1.png"
    path.write_bytes(saved(scene(), "JPEG") + b"PK\x03\x04<script>alert(1)</script>")
    decoded = decode(path)
    assert decoded.suffix == ".jpg" and b"script" not in decoded.data


def test_small_and_narrow_pictures_have_thumbnails():
    for size in ((1, 1), (3000, 2), (640, 480), (641, 480), (500, 20), (100, 50)):
        with Image.open(io.BytesIO(decode_bytes(saved(scene(size=size), "PNG"), "1.png").thumb)) as thumb:
            assert min(161, max(size)) <= max(thumb.size) <= 320 and min(thumb.size) >= 1


# ---- what is refused ---------------------------------------------------------------------------------------------


def animation(kind):
    return saved(scene(1), kind, save_all=True, append_images=[scene(2)])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is an empty file"),
        (b"\x00" * 500, "is not a PNG, JPEG, TIFF, BMP, WebP or DICOM picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "is not a PNG"),
        (saved(scene(), "GIF"), "is not a PNG"),
        (saved(scene(), "ICO"), "is not a PNG"),
        (saved(scene(), "PPM"), "is not a PNG"),
        (saved(scene(), "JPEG2000"), "is not a PNG"),
        (b"\xff\xd8\xff", "damaged|is not a PNG"),
        (saved(scene(), "JPEG")[:-300], "is damaged"),
        (saved(scene(), "PNG")[:-300], "is damaged"),
        (saved(scene(), "BMP")[:-300], "is damaged"),
        (saved(scene(), "TIFF")[:-300], "is damaged|is not a PNG"),
        (saved(scene(), "WEBP")[:-300], "is damaged|is not a PNG"),
        (png_of(60_000, 60_000), "million pixels"),
        (png_of(9_000, 9_000), "has 81 million pixels; 80 are allowed"),
        (png_of(70_000, 10), "is 70,000 pixels long"),
        (png_of(8_000, 8_000, b"\x00" * 100), "is damaged"),
        (animation("TIFF"), "holds 2 frames"),
        (animation("WEBP"), "holds 2 frames"),
        (animation("PNG"), "holds 2 frames"),
    ],
)
def test_a_hostile_or_damaged_file_is_refused_by_name_and_reason(data, reason, tmp_path):
    path = tmp_path / "scan 7.jpg"
    path.write_bytes(data)
    with pytest.raises(DataError, match=reason) as raised:
        decode(path, "ward/scan 7.jpg")
    assert raised.value.what.startswith("ward/scan 7.jpg ") and raised.value.fix


def test_a_png_whose_text_unpacks_without_end_is_refused():
    data = saved(scene(), "PNG")
    bomb = chunk(b"zTXt", b"Note\x00\x00" + zlib.compress(b"a" * 80_000_000))
    at = data.index(b"IDAT") - 4
    with pytest.raises(DataError, match="is damaged"):
        decode_bytes(data[:at] + bomb + data[at:], "1.png")


def test_a_jpeg_of_endless_passes_is_refused_before_it_is_opened():
    data = saved(scene(size=(2000, 2000)), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    began = time.monotonic()
    with pytest.raises(DataError, match="so many passes"):
        decode_bytes(data[:-2] + scan * 300 + b"\xff\xd9", "1.jpg")
    assert time.monotonic() - began < 2


def test_a_file_too_large_is_refused_without_reading_all_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "LARGEST_FILE", 1000)
    (tmp_path / "1.jpg").write_bytes(b"\xff\xd8" + b"\x00" * 5000)
    with pytest.raises(DataError, match=r"1\.jpg is larger than"):
        decode(tmp_path / "1.jpg")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StorageError, match=r"1\.jpg cannot be read"):
        decode(tmp_path / "1.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
def test_bytes_turned_at_random_never_raise_anything_but_a_refusal(kind):
    data, drawn = bytearray(saved(scene(), kind)), random.Random(kind)
    for _ in range(100):
        broken = bytearray(data)
        for _ in range(drawn.randint(1, 8)):
            broken[drawn.randrange(len(broken))] = drawn.randrange(256)
        try:
            decoded = decode_bytes(bytes(broken), "1")
        except DataError:
            continue
        assert_nothing_hides(decoded)


@pytest.mark.parametrize(
    "end", [b"", b"\xff", b"\xff\xd8\xff\xd9", b"\xff\xe0\x00", b"\xff\xe0\x00\x01", b"\xff\xc0\xff\xff"]
)
def test_a_stream_that_is_not_regular_is_not_kept(end):
    data = saved(scene(), "JPEG")
    assert bare(data[:2] + end) == bare(data[:-2]) == (None, False)


@pytest.mark.parametrize("size", [(1280, 1024), (1283, 977), (2600, 400), (640, 480), (5200, 8), (330, 300), (90, 60)])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_the_thumbnail_of_a_kept_stream_shows_the_whole_picture(size, options):
    data = saved(scene(size=size), "JPEG", quality=90, **options)
    decoded = decode_bytes(data, "1.jpg")
    assert decoded.size == size and decoded.suffix == ".jpg"
    with Image.open(io.BytesIO(decoded.thumb)) as thumb, Image.open(io.BytesIO(data)) as whole:
        assert min(161, max(size)) <= max(thumb.size) <= 320
        difference = np.asarray(thumb, float) - np.asarray(whole.resize(thumb.size, Image.Resampling.BOX), float)
        assert np.abs(difference).mean() < 4
    if min(size) > 50:
        assert (int(decoded.dhash, 16) ^ int(images.dhash(scene(size=size)), 16)).bit_count() <= 3
