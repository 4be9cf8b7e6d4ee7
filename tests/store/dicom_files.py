"""DICOM files for tests, made here: nobody's, and full of what must not come in."""

import io
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SECRET = "Doe^Jane"
IDENTITY = {
    "PatientName": SECRET, "PatientBirthDate": "19610504", "PatientSex": "F", "OtherPatientIDs": "Doe-2",
    "AccessionNumber": "Doe-3", "InstitutionName": "Doe hospital", "ReferringPhysicianName": "Doe^Doctor",
    "StationName": "Doe-4", "DeviceSerialNumber": "Doe-5", "StudyDate": "20200102", "StudyDescription": "Doe study",
    "ImageComments": "Doe comment", "PatientAddress": "Doe street",
}  # fmt: skip


def dicom(pixels: np.ndarray, syntax: str = ExplicitVRLittleEndian, sop: str = CTImageStorage, **fields: Any) -> bytes:
    """A file of one picture, with a patient; a field of None is left out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop, generate_uid()
    meta.TransferSyntaxUID = syntax
    file = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    bits, signed = pixels.dtype.itemsize * 8, np.issubdtype(pixels.dtype, np.signedinteger)
    standard = {
        "SOPClassUID": sop, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID, "PatientID": "Doe-1", **IDENTITY,
        "StudyInstanceUID": generate_uid(), "Modality": "CT", "Manufacturer": "Maker", "ManufacturerModelName": "Model",
        "Rows": pixels.shape[0], "Columns": pixels.shape[1], "SamplesPerPixel": 1 if pixels.ndim == 2 else 3,
        "PhotometricInterpretation": "MONOCHROME2" if pixels.ndim == 2 else "RGB", "BitsAllocated": bits,
        "BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": int(signed),
        "PixelData": pixels.tobytes(),
    }  # fmt: skip
    if pixels.ndim == 3:
        standard["PlanarConfiguration"] = 0
    for name, value in (standard | fields).items():
        if value is not None:
            setattr(file, name, value)
    return written(file)


def written(file: Dataset) -> bytes:
    buffer = io.BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def ct(height: int = 24, width: int = 32, **fields: Any) -> bytes:
    """A slice whose values are −1024, −1023, … in Hounsfield units."""
    pixels = np.arange(height * width, dtype=np.int16).reshape(height, width)
    standard = {
        "RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU", "WindowCenter": [40, 300],
        "WindowWidth": [400, 2000], "BurnedInAnnotation": "NO",
    }  # fmt: skip
    return dicom(pixels, **(standard | fields))
