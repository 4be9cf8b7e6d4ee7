"""DICOM at the door: true values and windows come in, nobody's name does, and what cannot be opened is named."""

import io
import sys

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    MPEG2MPML,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from leaml.errors import DataError
from leaml.options import ImportOptions
from leaml.store import pseudonyms
from leaml.store.greys import read_numbers
from leaml.store.images import decode_bytes
from leaml.store.importing import import_folder
from leaml.store.project import Project
from leaml.store.pseudonyms import pseudonym
from tests.store.dicom_files import ct, dicom, written

RAMP = np.arange(-1024, -1024 + 24 * 32).reshape(24, 32)
COLOURS = np.random.default_rng(0).integers(0, 256, (16, 20, 3), dtype=np.uint8)


def values(decoded):
    """The true values of a decoded picture."""
    with Image.open(io.BytesIO(decoded.deep)) as image:
        return decoded.greys.offset + decoded.greys.slope * np.asarray(image, dtype=np.float64)


def linear(x, centre, width):
    """DICOM PS3.3 C.11.2.1.2.1, as it is written there."""
    if x <= centre - 0.5 - (width - 1) / 2:
        return 0
    if x > centre - 0.5 + (width - 1) / 2:
        return 255
    return ((x - (centre - 0.5)) / (width - 1) + 0.5) * 255


# ---- what comes in -----------------------------------------------------------------------------------------------


def test_true_values_are_kept_and_models_see_the_first_window_of_the_file():
    decoded = decode_bytes(ct(WindowCenter=[-800, 300], WindowWidth=[400, 2000]), "1.dcm")
    assert np.array_equal(values(decoded), RAMP)
    assert (decoded.greys.unit, decoded.greys.centre, decoded.greys.width) == ("HU", -800, 400)
    assert (decoded.greys.least, decoded.greys.most) == (RAMP.min(), RAMP.max())
    expected = np.vectorize(linear, otypes=[float])(RAMP, -800, 400)
    assert np.abs(np.asarray(decoded.image) - expected).max() <= 0.5
    assert "window -800 / 400" in decoded.note and decoded.pixels == "grey 16 bit"


def test_16_bits_of_a_radiograph_are_kept_whole_and_the_dark_is_shown_bright_where_the_file_says_so():
    pixels = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
    plain = decode_bytes(dicom(pixels, Modality="DX"), "1.dcm")
    inverted = decode_bytes(dicom(pixels, Modality="DX", PhotometricInterpretation="MONOCHROME1"), "1.dcm")
    assert np.array_equal(values(plain), pixels) and np.array_equal(values(inverted), pixels)
    assert plain.greys.unit == "" and not plain.greys.inverted and inverted.greys.inverted
    assert np.abs(255 - np.asarray(plain.image).astype(int) - np.asarray(inverted.image)).max() <= 1
    assert plain.stored_hash != inverted.stored_hash


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"RescaleSlope": 0.5, "RescaleIntercept": 3}, RAMP * 0.5 + 512 + 3),
        ({"RescaleSlope": -2, "RescaleIntercept": 10}, (RAMP + 1024) * -2 + 10),
        ({"RescaleSlope": None, "RescaleIntercept": None}, RAMP + 1024),
    ],
)
def test_values_are_those_after_the_rescaling(fields, expected):
    decoded = decode_bytes(ct(**fields), "1.dcm")
    assert np.allclose(values(decoded), expected, atol=1e-6)


def test_a_table_of_the_modality_is_applied():
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [768, 0, 16], (np.arange(768, dtype=np.uint16) * 3).tobytes()
    table["LUTData"].VR = "OW"
    decoded = decode_bytes(ct(ModalityLUTSequence=Sequence([table]), RescaleSlope=None, RescaleIntercept=None), "1.dcm")
    assert np.array_equal(values(decoded), (RAMP + 1024) * 3)


def test_bits_beyond_those_stored_are_no_grey():
    pixels = (np.arange(600).reshape(20, 30) | 0x8000).astype(np.uint16)  # an old overlay, in the highest bit
    decoded = decode_bytes(dicom(pixels, BitsStored=12, HighBit=11), "1.dcm")
    assert values(decoded).max() == 599


def test_32_bits_are_kept_in_16_and_that_is_said():
    pixels = (np.arange(600, dtype=np.uint32) * 1000).reshape(20, 30)
    decoded = decode_bytes(dicom(pixels), "1.dcm")
    assert np.abs(values(decoded) - pixels).max() <= 5 and "reduced to 65,535" in decoded.note


@pytest.mark.parametrize(
    ("fields", "window"),
    [
        ({"WindowCenter": None, "WindowWidth": None}, (-1024 + 384, 768)),
        ({"WindowCenter": [], "WindowWidth": []}, (-1024 + 384, 768)),
        ({"WindowCenter": 10, "WindowWidth": 0}, (-1024 + 384, 768)),
        ({"WindowCenter": "12.5", "WindowWidth": "80"}, (12.5, 80)),
        ({"VOILUTFunction": "SIGMOID"}, (40, 400)),
    ],
)
def test_a_window_is_found_whatever_the_file_says(fields, window):
    greys = decode_bytes(ct(**fields), "1.dcm").greys
    assert (greys.centre, greys.width) == window


@pytest.mark.parametrize("kind", ["RGB", "YBR_FULL"])
def test_colours_come_in_as_they_are_seen(kind):
    from pydicom.pixels import convert_color_space

    pixels = COLOURS if kind == "RGB" else convert_color_space(COLOURS, "RGB", "YBR_FULL")
    decoded = decode_bytes(dicom(pixels, PhotometricInterpretation=kind, Modality="ES"), "1.dcm")
    assert np.abs(np.asarray(decoded.image).astype(int) - COLOURS).max() <= (0 if kind == "RGB" else 3)
    assert decoded.greys is None and decoded.suffix == ".png"


@pytest.mark.parametrize("syntax", [RLELossless])
def test_compressed_pictures_that_can_be_opened_come_in_unchanged(syntax):
    file = pydicom.dcmread(io.BytesIO(ct()))
    file.compress(syntax)
    assert np.array_equal(values(decode_bytes(written(file), "1.dcm")), RAMP)


# ---- what stays outside ------------------------------------------------------------------------------------------


def test_nothing_of_the_person_or_the_place_comes_in(tmp_path):
    (tmp_path / "given" / "images").mkdir(parents=True)
    (tmp_path / "given" / "images" / "IM0001").write_bytes(ct())
    project = Project.create(tmp_path / "home" / "ct")
    list(import_folder(project, tmp_path / "given", ImportOptions(folder=str(tmp_path))))
    row = project.db.row("images")
    assert row["device"] == "Maker Model" and row["group"].startswith("patient ")
    assert np.array_equal(read_numbers(project.picture(1).values).astype(int) - 1024, RAMP)
    project.close()
    kept = [path for path in project.folder.rglob("*") if path.is_file()]
    assert len(kept) >= 4
    for path in kept:
        for secret in (b"Doe", b"1961", b"20200102"):
            assert secret not in path.read_bytes(), path.name
    assert "Doe" not in repr(decode_bytes(ct(), "1.dcm"))


def test_pictures_of_one_patient_belong_together_in_every_project_of_a_home_and_nowhere_else(tmp_path):
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in (home, other):
        folder.mkdir()
    first = pseudonym(home / "a", "hospital|1")
    assert first == pseudonym(home / "b", "hospital|1") != pseudonym(home / "a", "hospital|2")
    assert first != pseudonym(other / "a", "hospital|1")
    assert pseudonym(home / "a", "") == ""
    assert (home / pseudonyms.FILE).stat().st_mode & 0o077 == 0


def test_a_group_that_a_table_names_comes_before_the_patient_of_the_file(tmp_path):
    (tmp_path / "given" / "images").mkdir(parents=True)
    (tmp_path / "given" / "images" / "1.dcm").write_bytes(ct())
    (tmp_path / "given" / "pictures.csv").write_text("image,group\n1.dcm,case 7\n")
    project = Project.create(tmp_path / "home" / "ct")
    list(import_folder(project, tmp_path / "given", ImportOptions(folder=str(tmp_path))))
    assert project.db.row("images")["group"] == "case 7"
    project.close()


@pytest.mark.parametrize(
    ("fields", "likely"),
    [
        ({"BurnedInAnnotation": "NO"}, False),
        ({"BurnedInAnnotation": "YES"}, True),
        ({"BurnedInAnnotation": None}, True),
        ({"BurnedInAnnotation": "NO", "Modality": "US"}, True),
        ({"BurnedInAnnotation": "NO", "Modality": "SC"}, True),
        ({"BurnedInAnnotation": "NO", "Modality": "OT"}, True),
        ({"BurnedInAnnotation": "NO", "SOPClassUID": SecondaryCaptureImageStorage}, True),
    ],
)
def test_it_is_said_where_text_may_be_burned_in(fields, likely):
    assert decode_bytes(ct(**fields), "1.dcm").burned_in is likely


def test_the_findings_of_an_import_say_so_too(tmp_path):
    (tmp_path / "given" / "images").mkdir(parents=True)
    (tmp_path / "given" / "images" / "1.dcm").write_bytes(ct(BurnedInAnnotation=None))
    project = Project.create(tmp_path / "home" / "ct")
    list(import_folder(project, tmp_path / "given", ImportOptions(folder=str(tmp_path))))
    assert project.picture(1).burned_in
    assert project.setting("import findings")["burned_in"] == 1
    project.close()


# ---- what is refused ---------------------------------------------------------------------------------------------


def compressed(syntax):
    """A file that says it is compressed so; what stands in it is not looked at."""
    file = pydicom.dcmread(io.BytesIO(ct()))
    file.file_meta.TransferSyntaxUID = syntax
    file.PixelData = pydicom.encaps.encapsulate([b"\0" * 64])
    file["PixelData"].is_undefined_length = True
    return written(file)


def deflated():
    file = pydicom.dcmread(io.BytesIO(ct()))
    file.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    return written(file)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: dicom(np.zeros((3 * 8, 8), np.uint16), Rows=8, NumberOfFrames=3), "holds 3 frames"),
        (lambda: ct(PixelData=None, Rows=None), "without a picture"),
        (lambda: ct(sop=MediaStorageDirectoryStorage), "DICOMDIR, a table of contents"),
        (lambda: compressed(JPEGLSLossless), "compressed as JPEG-LS Lossless"),
        (lambda: compressed(MPEG2MPML), "compressed as MPEG2"),
        (lambda: compressed("1.2.3.4.5"), "is damaged|compressed as"),
        (lambda: compressed(JPEGBaseline8Bit), "is damaged|compressed as"),
        (lambda: compressed(JPEG2000Lossless), "is damaged|compressed as"),
        (deflated, "is a deflated DICOM file"),
        (lambda: ct(PhotometricInterpretation="PALETTE COLOR"), "colours by palette"),
        (lambda: ct(PhotometricInterpretation="HSV"), "pixels of the kind 'HSV'"),
        (lambda: ct(SamplesPerPixel=3), "pixels of the kind 'MONOCHROME2'"),
        (lambda: dicom(COLOURS.astype(np.uint16), Modality="ES"), "colours of more than 8 bits"),
        (lambda: ct(BitsAllocated=64), "64 bits for each pixel"),
        (lambda: ct(Rows=60_000, Columns=60_000), "has 3,600.0 million pixels; 80 are allowed"),
        (lambda: ct(Rows=0), "has 0.0 million pixels"),
        (lambda: ct(Rows=25), "is damaged"),
        (lambda: ct(RescaleSlope="1e400"), "not numbers|is damaged"),
        (lambda: ct()[:400], "without a picture|is damaged"),
        (lambda: ct()[:-200], "is damaged"),
        (lambda: b"\0" * 128 + b"DICM", "without a picture|is damaged|no whole"),
        (lambda: b"\0" * 128 + b"DICM" + b"\xff" * 500, "without a picture|is damaged|no whole"),
    ],
)
def test_what_cannot_be_opened_is_refused_by_name_and_reason(data, reason):
    with pytest.raises(DataError, match=reason) as raised:
        decode_bytes(data(), "ward/IM7")
    assert raised.value.what.startswith("ward/IM7 ") and "Doe" not in str(raised.value)


def test_a_file_is_never_followed_to_another_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(ct())
    with pytest.raises(DataError, match="table of contents"):
        decode_bytes(ct(sop=MediaStorageDirectoryStorage, ReferencedFileID="secret"), "DICOMDIR")
    assert "pydicom.fileset" not in sys.modules
