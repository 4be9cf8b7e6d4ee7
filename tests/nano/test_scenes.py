"""Drawn scenes against their own pixels: their truth is found again by code that knows nothing of the drawing."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from scipy.optimize import linprog, nnls
from scipy.spatial import ConvexHull

from leaml.nano import scenes
from leaml.nano.scenes import COLOURS, FOREIGN, SHAPES, SIZE_LIMIT, TRAINING, Item, Scene, draw_scene
from leaml.records import REGIONS

CLEAR = replace(TRAINING, sides=(224,))
"""The training style, large enough that shapes can be measured."""
RIM = 0.09
"""Half of a contour line and of what anti-aliasing mixes with the ground, in radii."""


def drawn(count: int, style: scenes.Style = TRAINING, name: str = "test") -> list[Scene]:
    return [draw_scene(random.Random(f"{name} {number}"), style) for number in range(count)]


# --- Measuring pictures: nothing below this line knows how a scene is drawn --------------------------------


@dataclass(frozen=True)
class Seen:
    """One connected thing in a picture, measured in shares of the picture's sides."""

    x: float
    y: float
    reach: float
    """Greatest distance from the centroid."""
    hole: float
    """Share of the filled outline that is empty."""
    disc: float
    """Area over that of the circle of the same reach."""
    solid: float
    """Area over that of the convex hull."""
    long: float
    """Length over breadth, from second moments."""
    boxed: float
    """Area over that of the box along the principal axes."""
    lopsided: float
    """Distance of the centroid from the middle of the upright box, over the reach."""
    spokes: int
    """Whether four or five arms stand out."""
    shade: np.ndarray
    """Mean colour, away from the edges."""


def things_in(picture: np.ndarray) -> Iterator[Seen]:
    """What differs from the colour of the picture's border."""
    high, wide = picture.shape[:2]
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    differs = np.abs(picture - np.median(border, axis=0)).max(axis=2) > 20
    labels, _ = ndimage.label(differs, np.ones((3, 3)))
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        part = np.pad(labels[place] == number, 1)
        if part.sum() > 60:
            corner = (place[0].start - 1, place[1].start - 1)
            yield measured(part, corner, picture[place], np.array([wide, high]))


def measured(part: np.ndarray, corner: tuple[int, int], pixels: np.ndarray, sides: np.ndarray) -> Seen:
    filled = ndimage.binary_fill_holes(part)
    y, x = np.nonzero(filled)
    points = (np.stack([x + corner[1], y + corner[0]], axis=1) + 0.5) / sides
    centre, area = points.mean(0), len(points) / sides.prod()
    spread, axes = np.linalg.eigh(np.cov((points - centre).T))
    far = np.hypot(*(points - centre).T)
    reach = far.max()
    angles = np.arctan2(*(points - centre)[far > 0.6 * reach].T)
    inner = ndimage.binary_erosion(part, iterations=max(1, round(RIM * reach * sides[0])))
    inner = (inner if inner.sum() > 10 else part)[1:-1, 1:-1]
    return Seen(
        x=centre[0], y=centre[1], reach=reach, hole=1 - part.sum() / filled.sum(), disc=area / (math.pi * reach**2),
        solid=area / ConvexHull(points).volume, long=math.sqrt(spread[1] / spread[0]),
        boxed=area / np.ptp((points - centre) @ axes, axis=0).prod(),
        lopsided=np.hypot(*(points.min(0) + np.ptp(points, axis=0) / 2 - centre)) / reach,
        spokes=max((4, 5), key=lambda arms: abs(np.exp(1j * arms * angles).sum())), shade=pixels[inner].mean(0),
    )  # fmt: skip


def shape_by_measure(seen: Seen) -> str:
    """Name of a shape from areas, holes and moments."""
    if seen.solid < 0.85:
        return "star" if seen.spokes == 5 else "cross"
    if seen.disc > 0.88:
        return "ring" if seen.hole > 0.15 else "circle"
    if seen.long > 1.25:
        if seen.boxed < 0.65:
            return "diamond"
        if seen.disc * seen.long - seen.lopsided < 0.89:
            return "semicircle"
        return "rectangle" if seen.boxed > 0.89 else "ellipse"
    if seen.disc > 0.715:
        return "pentagon"
    if seen.lopsided < 0.08:
        return "square"
    return "triangle" if seen.boxed < 0.6 else "heart"


def distance(shade: np.ndarray, corners: list[tuple[int, int, int]]) -> float:
    """Distance of a shade from the convex hull of some, in RGB."""
    heavy = 1e4  # holds the weights' sum at 1
    matrix = np.vstack([np.array(corners, float).T, heavy * np.ones(len(corners))])
    weights, _ = nnls(matrix, np.append(shade, heavy))
    return float(np.linalg.norm(np.array(corners, float).T @ weights - shade))


def colour_by_measure(shade: np.ndarray) -> str:
    """The nearest named colour, where stripes may have darkened the shade by a tenth."""
    return min(COLOURS, key=lambda name: min(distance(shade / light, COLOURS[name]) for light in (1.0, 0.9)))


def region_by_thirds(x: float, y: float) -> str:
    row = "upper" if y < 1 / 3 else "center" if y < 2 / 3 else "lower"
    column = "left" if x < 1 / 3 else "center" if x < 2 / 3 else "right"
    return "center" if (row, column) == ("center", "center") else f"{row}-{column}"


@pytest.fixture(scope="module")
def measured_scenes() -> list[tuple[Scene, list[tuple[Item, Seen]]]]:
    """Scenes on a plain ground before the camera spoils them, with what is seen at each item's place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "_camera", lambda rng, picture: picture)
        plain = [scene for scene in drawn(180, CLEAR, "measured") if scene.pattern == "plain"]
    found = []
    for scene in plain:
        things = list(things_in(np.asarray(scene.picture, float)))
        assert len(things) == len(scene.items)
        pairs = [(min(scene.items, key=lambda i, t=t: math.hypot(i.x - t.x, i.y - t.y)), t) for t in things]
        assert len({id(item) for item, _ in pairs}) == len(pairs)
        found.append((scene, pairs))
    return found


# --- Truth against pixels ----------------------------------------------------------------------------------


def test_number_of_items_is_the_number_of_connected_things(measured_scenes):
    assert len(measured_scenes) > 80
    assert {len(pairs) for _, pairs in measured_scenes} >= {1, 2, 3, 4, 5, 6}


def test_places_and_sizes_are_those_of_the_pixels(measured_scenes):
    for _, pairs in measured_scenes:
        for item, seen in pairs:
            away = math.hypot(seen.x - item.x, seen.y - item.y) / item.radius
            assert away < (0.22 if item.shape == "heart" else 0.07)  # a heart is heavier above
            assert region_by_thirds(seen.x, seen.y) == item.region
            assert ("small" if seen.reach < SIZE_LIMIT else "large") == item.size


def test_shapes_are_those_of_the_pixels(measured_scenes):
    named = [(item.shape, shape_by_measure(seen)) for _, pairs in measured_scenes for item, seen in pairs]
    assert {shape for shape, _ in named} == set(SHAPES)
    assert [pair for pair in named if pair[0] != pair[1]] == []


def test_colours_are_those_of_the_pixels(measured_scenes):
    named = [(item.colour, colour_by_measure(seen.shade)) for _, pairs in measured_scenes for item, seen in pairs]
    assert {colour for colour, _ in named} == set(COLOURS)
    assert [pair for pair in named if pair[0] != pair[1]] == []


def test_ground_is_that_of_the_pixels(measured_scenes):
    for scene, _ in measured_scenes:
        assert colour_by_measure(np.asarray(scene.picture, float)[0, 0]) == scene.ground


def test_patterned_grounds_keep_near_their_colour():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "_camera", lambda rng, picture: picture)
        patterned = [scene for scene in drawn(120) if scene.pattern != "plain"]
    for scene in patterned:
        shade = np.asarray(scene.picture, float)[[0, 0, -1, -1], [0, -1, 0, -1]].mean(0)
        assert distance(shade, COLOURS[scene.ground]) < 32


def test_mask_numbers_the_items_where_they_are_seen(measured_scenes):
    for scene, pairs in measured_scenes:
        assert set(np.unique(scene.mask)) == set(range(len(scene.items) + 1))
        for item, seen in pairs:
            y, x = np.nonzero(scene.mask == scene.items.index(item) + 1)
            middle = (np.array([x.mean(), y.mean()]) + 0.5) / scene.mask.shape[0]
            assert math.hypot(middle[0] - seen.x, middle[1] - seen.y) < 0.016  # one point of the mask


def test_items_stand_out_after_the_camera():
    for scene in drawn(60):
        picture = np.asarray(scene.picture, float)
        points = np.asarray(Image.fromarray(picture.astype(np.uint8)).resize(scene.mask.shape), float)
        ground = np.median(points[scene.mask == 0], axis=0)
        for number, item in enumerate(scene.items, start=1):
            inside = points[scene.mask == number]
            # Half of a ring, or of what is drawn as a line, may be ground.
            assert np.abs(inside - ground).max(axis=1).mean() > 20, item


# --- Arrangement -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", [TRAINING, FOREIGN], ids=lambda style: style.name)
def test_items_keep_apart_and_off_the_borders_of_regions(style):
    for scene in drawn(100, style):
        for number, item in enumerate(scene.items):
            assert min(abs(v - border) for v in (item.x, item.y) for border in (1 / 3, 2 / 3)) >= 0.035
            assert item.radius < min(item.x, item.y, 1 - item.x, 1 - item.y)
            for other in scene.items[:number]:
                assert math.hypot(item.x - other.x, item.y - other.y) >= item.radius + other.radius + 0.02


def test_items_are_in_reading_order():
    for scene in drawn(100):
        places = [(REGIONS.index(item.region), item.x) for item in scene.items]
        assert places == sorted(places)


def test_every_shape_colour_size_count_and_pattern_is_drawn():
    many = drawn(160)
    items = [item for scene in many for item in scene.items]
    assert {item.shape for item in items} == set(SHAPES)
    assert {item.colour for item in items} == {scene.ground for scene in many} == set(COLOURS)
    assert {item.size for item in items} == {"small", "large"}
    assert {item.region for item in items} == set(REGIONS)
    assert {len(scene.items) for scene in many} == set(range(8))
    assert {scene.pattern for scene in many} == set(scenes.PATTERNS)
    assert len({scene.picture.size for scene in many}) > 30


# --- Seeds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", [TRAINING, FOREIGN], ids=lambda style: style.name)
def test_same_seed_gives_the_same_bytes(style):
    for first, again in zip(drawn(30, style), drawn(30, style), strict=True):
        assert first.picture.tobytes() == again.picture.tobytes()
        assert first.mask.tobytes() == again.mask.tobytes()
        assert (first.items, first.ground, first.pattern) == (again.items, again.ground, again.pattern)
    assert len({scene.picture.tobytes() for scene in drawn(30, style)}) == 30


def test_drawing_leaves_the_global_generators_alone():
    random.seed(3)
    np.random.seed(3)
    before = random.getstate(), np.random.get_state()[1].tobytes()
    drawn(20)
    assert (random.getstate(), np.random.get_state()[1].tobytes()) == before


# --- The foreign style -------------------------------------------------------------------------------------


def reach_of(shade: tuple[int, int, int], corners: list[tuple[int, int, int]]) -> float:
    """How far a shade is from the convex hull of some, in its worst channel: the jitter is drawn per channel."""
    hull = np.array(corners, float).T
    count = hull.shape[1]
    above = np.block([[hull, -np.ones((3, 1))], [-hull, -np.ones((3, 1))]])
    result = linprog(
        [0.0] * count + [1.0], A_ub=above, b_ub=[*shade, *(-value for value in shade)],
        A_eq=[[1.0] * count + [0.0]], b_eq=[1.0],
    )  # fmt: skip
    return result.fun


DRAWN_IN_TRAINING = [style for style in vars(scenes).values() if isinstance(style, scenes.Style) and not style.foreign]


@pytest.mark.parametrize("style", DRAWN_IN_TRAINING, ids=lambda style: style.name)
def test_foreign_sizes_lie_between_the_sizes_of_training(style):
    assert FOREIGN.small[0] < FOREIGN.small[1] < SIZE_LIMIT < FOREIGN.large[0] < FOREIGN.large[1]
    for smallest, largest in (style.small, style.large):
        assert largest < FOREIGN.small[0] or smallest > FOREIGN.large[1]


@pytest.mark.parametrize("style", DRAWN_IN_TRAINING, ids=lambda style: style.name)
def test_foreign_resolutions_are_never_drawn_in_training(style):
    assert set(FOREIGN.sides).isdisjoint(style.sides)


def test_foreign_shades_lie_outside_of_what_training_mixes():
    both_jitters = 7 + 3
    within = {
        name
        for name, (shade,) in FOREIGN.palette.items()
        if min(reach_of(shade, corners) for corners in COLOURS.values()) < both_jitters - 1e-6
    }
    assert within == set()


def test_foreign_names_are_those_of_training():
    assert FOREIGN.palette.keys() == COLOURS.keys()
    assert {item.shape for scene in drawn(100, FOREIGN) for item in scene.items} == set(SHAPES)


# --- Scenes on a grid --------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", [scenes.ALIGNED_SMALL, scenes.ALIGNED_LARGE], ids=lambda style: style.name)
def test_objects_on_a_grid_stand_in_the_middle_of_its_cells(style):
    middles = {(cell + 0.5) / style.cells for cell in range(style.cells)}
    items = [item for scene in drawn(20, style) for item in scene.items]
    assert {item.x for item in items} | {item.y for item in items} == middles
    assert {item.size for item in items} == {"small" if style.cells == 4 else "large"}
