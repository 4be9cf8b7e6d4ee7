"""Hostile pictures and names: refused by name, or taken as pixels and nothing else. Never followed, never executed.

Each case is a file in one folder that is imported whole; what is left in the project is looked at byte by byte.
"""

import contextlib
import gzip
import io
import os
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from leaml.options import ImportOptions
from leaml.store.importing import import_folder
from leaml.store.project import Project
from leaml.store.tables import visible
from tests.store.dicom_files import ct, dicom

SCRIPT = b"<script>alert(document.cookie)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"
HTML = b"<!doctype html><html><body onload=alert(1)>" + SCRIPT + b"</body></html>"
PHP = b"<?php system($_GET['c']); ?>"
MARKS = (b"<script", b"onload", b"<?php", b"PK\x03\x04", b"%PDF", b"%!PS", b"JFIF<", b"#!/bin", b"MZ\x90", b"Jane Doe")
"""What must stand in no stored file."""
PIXELS = np.random.default_rng(3).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def saved(kind: str, image: Image.Image | None = None, **options) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png(width: int, height: int, content: bytes = b"", bits: int = 8, colours: int = 2, more: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0))
    body = header + more + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def in_jpeg(marker: int, content: bytes) -> bytes:
    data = saved("JPEG")
    return data[:2] + segment(marker, content) + data[2:]


def bmp(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def tiff(*tags: tuple[int, int, int, int]) -> bytes:
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)


def tiff_of(width: int, height: int) -> bytes:
    return tiff((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8))


def sof(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def text_bomb() -> bytes:
    return png(4, 4, b"\0" * 52, more=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 90_000_000)))


def profile_bomb() -> bytes:
    return png(4, 4, b"\0" * 52, more=chunk(b"iCCP", b"a\0\0" + zlib.compress(b"a" * 90_000_000)))


def looping_tiff() -> bytes:
    data = bytearray(saved("TIFF"))
    first = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[first : first + 2])[0]
    data[first + 2 + 12 * count : first + 6 + 12 * count] = struct.pack("<I", first)  # its next page is itself
    return bytes(data)


def animated(kind: str) -> bytes:
    return saved(kind, save_all=True, append_images=[Image.fromarray(PIXELS[::-1])])


def rotated(turn: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = turn, "Jane Doe"
    return saved("JPEG", exif=exif)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("1.jpg", saved("JPEG"))
    return buffer.getvalue()


REFUSED = {
    # Another thing under the name of a picture
    "svg": SVG, "svg with xml": b"<?xml version='1.0'?>" + SVG, "html": HTML, "php": PHP,
    "script": b"#!/bin/sh\nrm -rf /",
    "text": b"hello", "json": b'{"a": 1}', "empty": b"", "one byte": b"\xff", "zeros": b"\0" * 5000,
    "zip": zipped(), "gzip of a jpeg": gzip.compress(saved("JPEG")),
    "pdf": b"%PDF-1.7\n1 0 obj<</JS (app.alert(1))>>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run",
    "exe": b"MZ\x90\0" + b"\0" * 500,
    "elf": b"\x7fELF" + b"\0" * 500, "pickle": b"cos\nsystem\n(S'true'\ntR.",
    "mp4": b"\0\0\0\x18ftypmp42" + b"\0" * 99,
    "gif": saved("GIF"), "animated gif": animated("GIF"), "ico": saved("ICO"), "ppm": saved("PPM"),
    "tga": saved("TGA"),
    "jpeg 2000": saved("JPEG2000"), "pcx": saved("PCX"), "sgi": saved("SGI"),
    "xbm": b"#define im_width 8\n#define im_height 8\n",
    "psd": b"8BPS\0\1" + b"\0" * 40, "dds": saved("DDS"), "eps after a tiff's sign": b"II*\0%!PS" + b"\0" * 50,
    "wmf": b"\xd7\xcd\xc6\x9a" + b"\0" * 60, "fits": b"SIMPLE  =                    T" + b" " * 2850,
    # Bombs
    "png of 60,000 by 60,000": png(60_000, 60_000), "png of 2 to the 31": png(2**31 - 1, 2**31 - 1),
    "png of no width": png(0, 10), "png of 9,000 by 9,000": png(9_000, 9_000), "long png": png(70_000, 3),
    "wide jpeg": sof(saved("JPEG"), 65_535, 65_535), "jpeg of no height": sof(saved("JPEG"), 32, 0),
    "bmp of 100,000": bmp(100_000, 100_000), "bmp of minus": bmp(10, -(2**31)), "bmp of no width": bmp(0, 5),
    "tiff of 2 to the 31": tiff_of(2**31, 2**31), "tiff of 50,000": tiff_of(50_000, 50_000),
    "text that unpacks without end": text_bomb, "png that says much and has little": png(8_000, 8_000, b"\0" * 99),
    "1 bit bomb": png(100_000, 100_000, bits=1, colours=0),
    # Damaged
    "half a png": saved("PNG")[:200], "half a jpeg": saved("JPEG")[:400], "half a bmp": saved("BMP")[:200],
    "half a tiff": saved("TIFF")[:100], "half a webp": saved("WEBP")[:60], "jpeg's sign": b"\xff\xd8\xff",
    "png's sign": b"\x89PNG\r\n\x1a\n", "tiff's sign": b"II*\0", "webp's sign": b"RIFF\x10\0\0\0WEBPVP8 ",
    "bmp's sign": b"BM" + b"\0" * 60, "jpeg without tables": saved("JPEG").replace(b"\xff\xdb", b"\xff\xee"),
    "jpeg without a frame": saved("JPEG").replace(b"\xff\xc0", b"\xff\xe5"),
    "png with a wrong checksum": saved("PNG")[:29] + b"\1\2\3\4" + saved("PNG")[33:],
    "png of a palette without one": png(4, 4, b"\0" * 20, colours=3), "png of 3 bits": png(4, 4, b"\0" * 20, bits=3),
    "png with a bomb as profile": profile_bomb, "tiff of no tags": tiff(),
    "tiff whose tag points nowhere": tiff((256, 4, 9, 2**31), (257, 4, 1, 5)),
    "tiff with many values": tiff((273, 4, 2**31, 8)),
    # Several pictures in one
    "animated png": animated("PNG"), "animated webp": animated("WEBP"), "tiff of two pages": animated("TIFF"),
    # DICOM
    "dicom of nothing": b"\0" * 128 + b"DICM", "dicom of noise": b"\0" * 128 + b"DICM" + bytes(range(256)) * 9,
    "dicom cut short": ct()[:600], "dicom of 3 frames": dicom(np.zeros((24, 8), np.uint16), Rows=8, NumberOfFrames=3),
    "dicom of 60,000 by 60,000": ct(Rows=60_000, Columns=60_000),
    "dicom with colours by palette": ct(PhotometricInterpretation="PALETTE COLOR"),
    "dicom without pixels": ct(PixelData=None), "dicom that lies about its bits": ct(BitsAllocated=64),
    "dicom after svg": SVG.ljust(128)[:128] + b"DICM" + HTML, "dicom of one pixel too few": ct()[:-2],
}  # fmt: skip

TAKEN = {
    "jpeg": saved("JPEG"), "progressive jpeg": saved("JPEG", progressive=True),
    "grey jpeg": saved("JPEG", Image.fromarray(PIXELS[..., 0])),
    "cmyk jpeg": saved("JPEG", Image.fromarray(PIXELS).convert("CMYK")), "png": saved("PNG"), "webp": saved("WEBP"),
    "bmp": saved("BMP"),
    "tiff": saved("TIFF"), "lzw tiff": saved("TIFF", compression="tiff_lzw"),
    "jpeg in a tiff": saved("TIFF", compression="jpeg"),
    "16 bits": saved("PNG", Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 200)),
    "palette": saved("PNG", Image.fromarray(PIXELS).convert("P")),
    "transparent": saved("PNG", Image.fromarray(PIXELS).convert("RGBA")),
    "one bit": saved("PNG", Image.fromarray(PIXELS).convert("1")),
    "float tiff": saved("TIFF", Image.fromarray(PIXELS[..., 0].astype(np.float32))), "one pixel": png(1, 1, b"\0abc"),
    **{f"turned {turn}": rotated(turn) for turn in range(1, 9)}, "turned 99": rotated(99),
    "jpeg then zip": saved("JPEG") + zipped(), "png then html": saved("PNG") + HTML,
    "webp then php": saved("WEBP") + PHP,
    "jpeg with a script as comment": in_jpeg(0xFE, SCRIPT),
    "jpeg with html as exif": in_jpeg(0xE1, b"Exif\0\0" + HTML),
    "jpeg with svg as profile": in_jpeg(0xE2, b"ICC_PROFILE\0\1\1" + SVG),
    "jpeg with php in photoshop's block": in_jpeg(0xED, b"Photoshop 3.0\0" + PHP),
    "jpeg with a script in its head": in_jpeg(0xE0, b"JFIF<" + SCRIPT),
    "jpeg with adobe's segment": in_jpeg(0xEE, b"Adobe\0d" + SCRIPT),
    "png with a script in its text": png(4, 4, b"\0" * 52, more=chunk(b"tEXt", b"Comment\0" + SCRIPT)),
    "png with a script in a chunk of its own": png(4, 4, b"\0" * 52, more=chunk(b"evIL", SCRIPT)),
    "tiff that is its own next page": looping_tiff, "dicom": ct(),
    "dicom with a script as its name": ct(Manufacturer="<script>alert(1)</script>"),
    "dicom in colours": dicom(PIXELS, Modality="ES"), "dicom after html": HTML.ljust(128)[:128] + ct()[128:],
}  # fmt: skip

NAMES = (
    "<img src=x onerror=alert(1)>.jpg", "'; DROP TABLE images; --.jpg", "=cmd|' !A1.jpg", "a\nb.jpg",
    "\u202egpj.exe.jpg", "a..jpg",
    "%2e%2e%2fpasswd.jpg", "a" * 200 + ".jpg", "CON.jpg", "日本語.JPG", "a;b&c|d`e$(f).jpg", "{{7*7}}.jpg", "-rf.jpg",
    " .jpg", "a\\..\\b.jpg",
)  # fmt: skip


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Case -> the name of its file, in a folder that was imported whole; and the project that it went into."""
    folder = tmp_path_factory.mktemp("given")
    home = tmp_path_factory.mktemp("home")
    (folder / "images").mkdir()
    names = {}
    cases = [(case, suffix) for case in REFUSED for suffix in (".jpg", ".dcm")] + [(case, ".jpg") for case in TAKEN]
    for number, (case, suffix) in enumerate(cases):
        data = REFUSED.get(case) or TAKEN.get(case) or b""
        names[case, suffix] = f"scan {number}{suffix}"
        (folder / "images" / names[case, suffix]).write_bytes(data() if callable(data) else data)
    for number, name in enumerate(NAMES):
        # Each name a picture of its own: the same one twice would be one picture.
        with contextlib.suppress(OSError):  # of a system that has no such names
            (folder / "images" / name).write_bytes(saved("PNG", Image.new("RGB", (9, 9), (number, 200, 1))))
            names["name", name] = name
    (folder / "images" / "good.png").write_bytes(saved("PNG", Image.new("RGB", (5, 5), "white")))
    project = Project.create(home / "polyps")
    began = time.monotonic()
    list(import_folder(project, folder, ImportOptions(folder=str(folder))))
    assert time.monotonic() - began < 120
    yield names, project
    project.close()


@pytest.fixture(scope="module")
def refusals(names):
    return names[1].setting("import findings")["pictures"]["refused"]


def test_what_is_no_hostile_file_comes_in_beside_them_all(names, refusals):
    _, project = names
    assert "good.png" in {picture.name for picture in project.pictures()}
    assert len([sentence for sentence in refusals if sentence.startswith("scan ")]) == 2 * len(REFUSED)
    assert len(REFUSED) + len(TAKEN) + len(NAMES) > 130


@pytest.mark.parametrize("suffix", [".jpg", ".dcm"])
@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_name(names, refusals, case, suffix):
    name = names[0][case, suffix]
    about = [sentence for sentence in refusals if sentence.startswith(f"{name} ")]
    assert len(about) == 1 and about[0].endswith(".") and about[0].isprintable()
    assert not names[1].db.count("images", name=name)


@pytest.mark.parametrize("case", TAKEN)
def test_it_is_taken_as_pixels(names, refusals, case):
    name = names[0][case, ".jpg"]
    assert not [sentence for sentence in refusals if sentence.startswith(f"{name} ")]


def test_every_stored_file_is_a_picture_and_nothing_beside_its_pixels(names):
    folder, rows = names[1].folder, names[1].db.count("images")
    files = [path for kind in ("images", "thumbs") for path in (folder / kind).iterdir()]
    assert len(files) >= 2 * rows and rows > 30
    for path in files:
        assert path.suffix in (".png", ".jpg") and path.stem.removesuffix(".16").isalnum() and not path.is_symlink()
        data = path.read_bytes()
        assert not any(mark in data for mark in MARKS), path.name
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            image.load()
            assert image.mode in ("L", "RGB", "I;16") and not image.getexif() and not getattr(image, "text", None)


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_a_name_and_no_path(names, refusals, name):
    files, project = names
    if ("name", name) not in files:
        pytest.skip("this system has no such names")
    about = [sentence for sentence in refusals if visible(name) in sentence or repr(name)[1:-1] in sentence]
    pictures = project.pictures(name=visible(name))
    assert len(about) + len(pictures) >= 1
    for picture in pictures:
        assert picture.name.isprintable() and picture.path.parent == project.folder / "images"


@pytest.fixture
def given(tmp_path):
    folder = tmp_path / "given"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "good.png").write_bytes(saved("PNG"))
    return folder


def taken(tmp_path, given):
    project = Project.create(tmp_path / "home" / "polyps")
    list(import_folder(project, given, ImportOptions(folder=str(given))))
    names = [picture.name for picture in project.pictures()]
    project.close()
    return names


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("target", ["outside.jpg", "/etc/passwd", "..", "nothing", "loop.jpg"])
def test_a_link_leads_nowhere(tmp_path, given, target):
    (tmp_path / "outside.jpg").write_bytes(saved("JPEG"))
    where = tmp_path / target if target == "outside.jpg" else target
    (given / "images" / ("loop.jpg" if target == "loop.jpg" else "link.jpg")).symlink_to(where)
    assert taken(tmp_path, given) == ["good.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_is_not_waited_for(tmp_path, given):
    os.mkfifo(given / "images" / "pipe.jpg")
    os.mkfifo(given / "images" / "pipe")
    assert taken(tmp_path, given) == ["good.png"]
