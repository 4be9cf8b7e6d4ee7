"""Near-duplicates: copies are found, strangers are not, and dark or empty pictures are not all the same."""

import io
import random
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from leaml.store.images import decode, decode_bytes, dhash
from leaml.store.likeness import near_duplicates

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "colonoscopy-phantom" / "images"


def scene(seed, size=(96, 64)):
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def thumbs_of(pictures, folder):
    paths = []
    for number, picture in enumerate(pictures):
        paths.append(folder / f"{number}.jpg")
        paths[-1].write_bytes(decode_bytes(saved(picture, "PNG"), "1.png").thumb)
    return paths


def clusters_of(pictures, folder):
    return near_duplicates([dhash(picture) for picture in pictures], thumbs_of(pictures, folder))


def test_copies_of_a_picture_are_one_cluster_and_others_are_not(tmp_path):
    first, other = scene(1, (320, 240)), scene(2, (320, 240))
    coded = Image.open(io.BytesIO(saved(first, "JPEG", quality=40)))
    pictures = [other, first, coded, first.resize((160, 120)), first.filter(ImageFilter.GaussianBlur(1)), scene(3)]
    assert clusters_of(pictures, tmp_path) == [None, 1, 1, 1, 1, None]


def test_pictures_that_are_mostly_one_grey_are_not_all_the_same(tmp_path):
    drawn, pictures = random.Random(1), []
    for _ in range(30):
        pictures.append(Image.new("L", (256, 256), 240))
        x, y = drawn.randrange(256), drawn.randrange(256)
        ImageDraw.Draw(pictures[-1]).ellipse((x - 4, y - 4, x + 4, y + 4), fill=100)
    pictures += [pictures[0].copy(), Image.new("L", (256, 256)), Image.new("L", (256, 256))]
    by_hash = near_duplicates([dhash(picture) for picture in pictures])
    assert len(set(by_hash) - {None}) < 10 and by_hash.count(None) < 10  # what the hash alone would do
    found = clusters_of(pictures, tmp_path)
    assert found[0] == found[30] == 0
    assert found.count(None) >= 25


def test_a_chain_of_near_duplicates_is_one_cluster():
    chain = ["0000000000000000", "ffffffffffffffff", "0000000000000007", "000000000000003f", "00000000000001ff"]
    assert near_duplicates(chain) == [0, None, 0, 0, 0]
    assert near_duplicates([]) == [] and near_duplicates(["00"]) == [None]


def test_a_missing_thumbnail_makes_no_near_duplicate(tmp_path):
    assert near_duplicates(["00", "00"], [tmp_path / "1.jpg", tmp_path / "2.jpg"]) == [None, None]


def test_ten_thousand_pictures_are_compared_in_seconds():
    codes = np.random.default_rng(0).integers(0, 2**63, 10_000, dtype=np.uint64)
    codes[5000:5100] = codes[0] ^ np.uint64(0b101)
    began = time.monotonic()
    found = near_duplicates([f"{code:016x}" for code in codes.tolist()])
    assert time.monotonic() - began < 10
    assert [index for index, cluster in enumerate(found) if cluster == 0] == [0, *range(5000, 5100)]


def test_no_two_pictures_of_the_sample_project_are_near_duplicates(tmp_path):
    paths = sorted(SAMPLE.iterdir())[:80]
    decoded = [decode(path) for path in paths]
    for number, picture in enumerate(decoded):
        (tmp_path / f"{number}.jpg").write_bytes(picture.thumb)
    thumbs = [tmp_path / f"{number}.jpg" for number in range(len(paths))]
    assert set(near_duplicates([picture.dhash for picture in decoded], thumbs)) == {None}


@pytest.mark.shared_data
def test_of_the_blood_smears_two_frames_are_near_duplicates(shared_data, tmp_path):
    paths = sorted((shared_data / "blood_smear" / "images").glob("BloodImage_000*.jpg"))[:60]
    decoded = [decode(path) for path in paths]
    for path, picture in zip(paths, decoded):
        (tmp_path / path.name).write_bytes(picture.thumb)
    found = near_duplicates([picture.dhash for picture in decoded], [tmp_path / path.name for path in paths])
    alike = {path.stem for path, cluster in zip(paths, found) if cluster is not None}
    assert alike == {"BloodImage_00037", "BloodImage_00038"}
