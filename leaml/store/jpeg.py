"""The stream of a JPEG without anything that is not picture: no EXIF, no comment, no profile, nothing after its end.

    stream, certain = bare(data)        # None where the stream is not regular
"""

import numpy as np

_KEPT_SEGMENTS = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD} - {0xC8, 0xCC}
"""Frame, Huffman tables, scan, quantisation, number of lines, restart interval: what decoding needs."""
_FRAMES = _KEPT_SEGMENTS - {0xC4, 0xDA, 0xDB, 0xDC, 0xDD}
_COMMON_FRAMES = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive: all that cameras and programs write."""


def bare(data: bytes) -> tuple[bytes | None, bool]:
    """The segments that decoding needs, up to the end of the first picture, and whether they certainly decode the same.

    None where the stream is not regular. Colours are certain where no segment of Adobe speaks of them and the
    components are one grey, or numbered as JFIF numbers them (libjpeg, default_decompress_parms in jdapimin.c).
    """
    kept, at, certain, adobe = [data[:2]], 2, False, False
    markers = _markers(data)
    while data[at : at + 1] == b"\xff":
        while data[at : at + 1] == b"\xff":
            at += 1
        marker, end = data[at : at + 1], at + 1 + int.from_bytes(data[at + 1 : at + 3], "big")
        if marker == b"\xd9":
            return b"".join([*kept, b"\xff\xd9"]), certain and not adobe
        if not marker or end < at + 3 or end > len(data):
            return None, False
        adobe |= marker == b"\xee"
        if marker[0] in _FRAMES:
            known = data[at + 8 : at + 9] == b"\x01" or data[at + 9 : end : 3] == b"\x01\x02\x03"
            certain = known and marker[0] in _COMMON_FRAMES
        if marker[0] == 0xDA:
            after = markers[np.searchsorted(markers, end) :][:1]
            if not after.size:
                return None, False
            end = int(after[0])
        if marker[0] in _KEPT_SEGMENTS:
            kept.append(b"\xff" + data[at:end])
        elif not (0xE0 <= marker[0] <= 0xEF or marker[0] == 0xFE):
            return None, False
        at = end
    return None, False


def _markers(data: bytes) -> np.ndarray:
    """Places of 0xFF before a byte that ends coded pixels: not of a coded 0xFF, nor of a restart, nor of filling."""
    codes = np.frombuffer(data, dtype=np.uint8)
    places = np.flatnonzero(codes[:-1] == 0xFF)
    after = codes[places + 1]
    return places[(after != 0) & (after != 0xFF) & ((after < 0xD0) | (after > 0xD7))]
