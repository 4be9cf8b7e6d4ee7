"""The truth of the colonoscopy phantom: what each drawn picture shows, recomputed from seed and index alone.

    truth(seed, index) -> Scene

Python's own `random` decides everything here, so the truth is the same on every machine. Lengths are pixels of the
256 x 256 picture; x runs to the right, y downwards.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from leaml.records import REGIONS

SIZE = 256
POLYP_KINDS = ("flat", "sessile", "pedunculated")
POLYP_SIZES = ("small", "medium", "large")
POLYP_COLOURS = ("pink", "red", "white", "yellow", "purple")
INSTRUMENT_KINDS = ("forceps", "snare")
BOX_COLOURS = ("green", "black")
VIEWS = ("octagon", "round", "square")

RADII = {"small": (11.0, 14.5), "medium": (21.0, 27.0), "large": (39.0, 48.0)}
"""Of a polyp (pedunculated: of its head). The gaps between the classes leave no doubtful sizes."""

BLOCK = 5
"""Pictures are dealt to patients in blocks of this size, and a block lies in one split."""
_PARTITIONS = ((1, 2, 2), (2, 3), (1, 1, 3), (1, 1, 1, 2))
_TEST_BLOCKS, _CALIBRATION_BLOCKS, _CYCLE = {1, 7, 12, 18, 24}, {3, 14, 21}, 28


@dataclass(frozen=True, slots=True)
class Polyp:
    """A polyp. (x, y) is the middle of its area; `angle` turns it, and points along the stalk where it has one."""

    x: float
    y: float
    kind: str
    size: str
    colour: str
    radius: float
    aspect: float
    angle: float

    def discs(self) -> list[tuple[float, float, float]]:
        """Circles (x, y, radius) that cover the polyp: one, or the head and two along the stalk."""
        if self.kind != "pedunculated":
            return [(self.x, self.y, self.radius * math.sqrt(self.aspect))]
        along = ((-0.24, 1.06), (0.95, 0.42), (1.5, 0.42))
        cosine, sine, unit = math.cos(self.angle), math.sin(self.angle), self.radius
        return [(self.x + at * unit * cosine, self.y + at * unit * sine, size * unit) for at, size in along]

    def distance(self, x: float, y: float) -> float:
        """Distance of a point from the polyp's edge, negative inside."""
        return min(math.hypot(x - at_x, y - at_y) - radius for at_x, at_y, radius in self.discs())


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument. (x, y) is the middle of its tip (jaws or loop), `angle` the direction in which it points."""

    kind: str
    x: float
    y: float
    angle: float
    width: float
    shaft: int

    def points(self) -> list[tuple[float, float]]:
        """Points along the shaft, from the tip backwards to beyond the picture."""
        back = (math.cos(self.angle), math.sin(self.angle))
        return [(self.x - s * back[0], self.y - s * back[1]) for s in range(0, 270, 15)]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A burned-in overlay: the box artefact, or a block of text."""

    left: float
    top: float
    width: float
    height: float
    corner: str

    def distance(self, x: float, y: float) -> float:
        """Distance of a point from the rectangle, 0 inside."""
        dx = max(self.left - x, 0.0, x - self.left - self.width)
        dy = max(self.top - y, 0.0, y - self.top - self.height)
        return math.hypot(dx, dy)


@dataclass(frozen=True, slots=True)
class Patch:
    """Where stool or bubbles lie."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Scene:
    """All that one picture shows. The first polyp is the largest; all polyps of a picture share kind and colour."""

    seed: int
    index: int
    group: str
    split: str
    view: str
    palette: int
    vessels: float
    lumen: tuple[float, float]
    blur: float
    polyps: tuple[Polyp, ...]
    instruments: tuple[Instrument, ...]
    box: Rectangle | None
    box_colour: str
    text: Rectangle | None
    stool: tuple[Patch, ...]
    bubbles: tuple[Patch, ...]


def view_depth(view: str, x, y):
    """How far points lie inside the endoscope's window, in pixels; negative outside. Numbers or arrays."""
    if view == "round":
        return 124.0 - np.hypot(x - 128.0, y - 128.0)
    sides = np.minimum(np.minimum(x - 4.0, 252.0 - x), np.minimum(y - 4.0, 252.0 - y))
    cut = 62.0 if view == "octagon" else 26.0
    across = np.minimum(np.minimum(x + y, 512.0 - x - y), np.minimum(256.0 + x - y, 256.0 - x + y))
    return np.minimum(sides, (across - cut) / math.sqrt(2.0))


def region(x: float, y: float) -> str:
    """The region of `records.REGIONS` in which a point lies."""
    column, row = (min(2, max(0, int(3 * value / SIZE))) for value in (x, y))
    return REGIONS[3 * row + column]


def split_of(index: int) -> str:
    """Split of a picture. Balanced in any run of 140 pictures: 100 train, 15 calibration, 25 test."""
    block = (index // BLOCK) % _CYCLE
    return "test" if block in _TEST_BLOCKS else "calibration" if block in _CALIBRATION_BLOCKS else "train"


def group_of(seed: int, index: int) -> str:
    """Name of the simulated patient of whom a picture is: 1 to 3 pictures that share window, palette and polyp kind."""
    block, place = divmod(index, BLOCK)
    rng = Random(f"{seed}/patients/{block}")
    sizes = list(rng.choice(_PARTITIONS))
    rng.shuffle(sizes)
    patient = 0
    while place >= sizes[patient]:
        place -= sizes[patient]
        patient += 1
    return f"patient_{block:05d}_{patient + 1}"


def truth(seed: int, index: int) -> Scene:
    """The scene of picture `index` (from 0) of the phantom `seed`, with no dependence on any other picture."""
    group = group_of(seed, index)
    patient, rng = Random(f"{seed}/{group}"), Random(f"{seed}/picture/{index}")
    view = patient.choice(VIEWS)
    look = (patient.randrange(6), patient.choice((0.0, 0.35, 0.7, 1.0)))
    kind, colour = patient.choice(POLYP_KINDS), patient.choice(POLYP_COLOURS)
    count = _pick(rng, {0: 40, 1: 30, 2: 18, 3: 12})
    # Several polyps need one that is clearly the largest, so the single ones are mostly small: a third for each size.
    sizes = {"small": 60, "medium": 20, "large": 20} if count == 1 else {"medium": 47, "large": 53}
    size, place = _pick(rng, sizes), rng.choice(REGIONS)
    tools = [rng.choice(INSTRUMENT_KINDS) for _ in range(_pick(rng, {0: 45, 1: 35, 2: 20}))]
    box_colour = rng.choice(BOX_COLOURS) if rng.random() < 0.5 else ""
    wants = {name: rng.random() < share for name, share in (("text", 0.5), ("stool", 0.42), ("bubbles", 0.42))}
    angle, far = rng.uniform(0, math.tau), rng.uniform(0, 120)
    blur = _pick(rng, {0.0: 35, 0.5: 30, 0.9: 25, 1.4: 10})
    polyps, instruments, box = _layout(rng, view, [(kind, size, colour)] * count, place, tools, bool(box_colour))
    text = _place_text(rng, polyps, instruments, box) if wants["text"] else None
    taken = [overlay for overlay in (box, text) if overlay is not None]
    return Scene(
        seed, index, group, split_of(index), view, *look,
        lumen=(128 + far * math.cos(angle), 128 + far * math.sin(angle)),
        blur=blur, polyps=polyps, instruments=instruments, box=box, box_colour=box_colour,
        text=text,
        stool=_place_patches(rng, polyps, instruments, taken, view) if wants["stool"] else (),
        bubbles=_place_patches(rng, polyps, instruments, taken, view) if wants["bubbles"] else (),
    )  # fmt: skip


def _pick(rng: Random, weights: dict):
    return rng.choices(list(weights), list(weights.values()))[0]


def _point_in(rng: Random, place: str, margin: float) -> tuple[float, float]:
    """A point of a region, at least `margin` from the borders between regions."""
    row, column = divmod(REGIONS.index(place), 3)
    low, high = margin, SIZE / 3 - margin
    return (column * SIZE / 3 + rng.uniform(low, high), row * SIZE / 3 + rng.uniform(low, high))


def _layout(rng: Random, view: str, looks: list[tuple], place: str, tools: list[str], boxed: bool) -> tuple:
    """Polyps, instruments and box, none of them hiding another: (polyps, instruments, box or None)."""
    gap = 9.0
    while True:
        polyps = _one_by_one(_polyp, rng, looks, place, view, gap)
        instruments = None if polyps is None else _one_by_one(_instrument, rng, tools, polyps, view, gap)
        box = _try(_box, rng, polyps, instruments, gap) if boxed and instruments is not None else None
        if instruments is not None and (box is not None or not boxed):
            return tuple(polyps), tuple(instruments), box
        # Crowded scenes get a smaller and smaller gap between things, so that the search always ends.
        gap -= 0.1


def _try(propose: Callable, *arguments):
    """The first proposal that is not None, of 40."""
    proposals = (propose(*arguments) for _ in range(40))
    return next((found for found in proposals if found is not None), None)


def _one_by_one(propose: Callable, rng: Random, items: list, *surroundings) -> list | None:
    """Places each item beside those placed before it; None where one finds no room."""
    placed: list = []
    for item in items:
        found = _try(propose, rng, item, placed, *surroundings)
        if found is None:
            return None
        placed.append(found)
    return placed


def _polyp(
    rng: Random, look: tuple[str, str, str], others: list[Polyp], place: str, view: str, gap: float
) -> Polyp | None:
    """The largest polyp in its region, or a further one, at least one size smaller, anywhere clear of the others."""
    kind, size, colour = look
    if others:
        size = "small" if others[0].size == "medium" else rng.choice(POLYP_SIZES[:2])
        place = rng.choice(REGIONS)
    x, y = _point_in(rng, place, 13.0)
    aspect = rng.uniform(1.15, 1.5) if kind == "flat" else rng.uniform(1.0, 1.2)
    polyp = Polyp(x, y, kind, size, colour, rng.uniform(*RADII[size]), aspect, rng.uniform(0, math.tau))
    # Large ones may be cut by the window's edge a little, as in real views; others must be seen whole.
    inset = 0.62 if size == "large" else 1.0
    if any(view_depth(view, at_x, at_y) < inset * radius for at_x, at_y, radius in polyp.discs()[:2]):
        return None
    return None if any(_gap(polyp, other.distance) < max(gap, 3.0) for other in others) else polyp


def _instrument(
    rng, kind: str, others: list[Instrument], polyps: list[Polyp], view: str, gap: float
) -> Instrument | None:
    """An instrument whose shaft crosses neither another one nor a polyp."""
    x, y = _point_in(rng, rng.choice(REGIONS), 24.0)
    tool = Instrument(kind, x, y, rng.uniform(0, math.tau), rng.uniform(11.0, 14.0), rng.randrange(4))
    path = tool.points()
    clear = (
        # At least 55 pixels of shaft must be in view, and the tip well inside the window.
        view_depth(view, x, y) > 14.0
        and view_depth(view, *path[4]) > 0.0
        and all(p.distance(x, y) > 25.0 + gap for p in polyps)
        and all(p.distance(*point) > tool.width / 2 + 3.0 + gap for p in polyps for point in path)
        and all(_nearest(other.points(), *point) > 40.0 + gap for other in others for point in path)
    )
    return tool if clear else None


def _box(rng: Random, polyps: list[Polyp], instruments: list[Instrument], gap: float) -> Rectangle | None:
    """The box artefact: in a corner (mostly the lower left, as in Kvasir) where it hides neither polyp nor tip."""
    corner = _pick(rng, {"lower-left": 60, "lower-right": 14, "upper-left": 13, "upper-right": 13})
    box = _in_corner(rng, corner, rng.uniform(70, 84), rng.uniform(60, 72))
    near = min(gap, 2.0)
    clear = (
        all(_gap(polyp, box.distance) > near for polyp in polyps)
        and all(box.distance(tool.x, tool.y) > 26.0 + near for tool in instruments)
        # Enough of every shaft must stay in sight.
        and all(box.distance(*tool.points()[4]) > 0.0 for tool in instruments)
    )
    return box if clear else None


def _gap(polyp: Polyp, distance) -> float:
    """How far a polyp stays from what `distance(x, y)` measures from."""
    return min(distance(x, y) - radius for x, y, radius in polyp.discs())


def _nearest(points: list[tuple[float, float]], x: float, y: float) -> float:
    return min(math.hypot(px - x, py - y) for px, py in points)


def _place_overlay(rng, widths, heights, polyps, instruments, gap) -> Rectangle | None:
    """The box artefact: in a corner (mostly the lower left, as in Kvasir) where it hides neither polyp nor tip."""
    if polyps is None or instruments is None:
        return None
    corner = _pick(rng, {"lower-left": 60, "lower-right": 14, "upper-left": 13, "upper-right": 13})
    box = _in_corner(rng, corner, rng.uniform(*widths), rng.uniform(*heights))
    if any(_gap(polyp, box.distance) < min(gap, 2.0) for polyp in polyps):
        return None
    if any(box.distance(tool.x, tool.y) < 26.0 + min(gap, 2.0) for tool in instruments):
        return None
    # Enough of every shaft must stay in sight.
    return None if any(box.distance(*tool.points()[4]) == 0.0 for tool in instruments) else box


def _in_corner(rng: Random, corner: str, width: float, height: float) -> Rectangle:
    inset_x, inset_y = rng.uniform(1, 8), rng.uniform(1, 10)
    left = inset_x if corner.endswith("left") else SIZE - width - inset_x
    top = inset_y if corner.startswith("upper") else SIZE - height - inset_y
    return Rectangle(round(left), round(top), round(width), round(height), corner)


def _place_text(rng: Random, polyps, instruments, box) -> Rectangle:
    """A block of text, in the corner without a box where it stays clear of polyps and tips, or nearly so."""
    corners = [c for c in ("upper-left", "upper-right", "lower-right", "lower-left") if box is None or c != box.corner]
    rng.shuffle(corners)
    height = 13 * rng.randint(3, 5)
    blocks = [_in_corner(rng, corner, 62, height) for corner in corners]

    def space(block: Rectangle) -> float:
        gaps = [_gap(polyp, block.distance) for polyp in polyps]
        gaps += [block.distance(tool.x, tool.y) - 24.0 for tool in instruments]
        return min(gaps, default=4.0)

    return next((block for block in blocks if space(block) > 3.0), max(blocks, key=space))


def _place_patches(rng, polyps, instruments, overlays, view) -> tuple[Patch, ...]:
    """Two to four neighbouring patches. The first, which decides whether they are seen, lies in the clear."""
    for attempt in range(400):
        radius, slack = rng.uniform(24, 36), attempt / 10
        x, y = rng.uniform(20, 236), rng.uniform(20, 236)
        clear = (
            view_depth(view, x, y) > 16.0
            and all(p.distance(x, y) > radius - slack for p in polyps)
            and all(_nearest(tool.points(), x, y) > radius - slack for tool in instruments)
            and all(overlay.distance(x, y) > radius - slack for overlay in overlays)
        )
        if clear:
            break
    patches = [Patch(x, y, radius)]
    for _ in range(rng.randint(1, 3)):
        angle, away = rng.uniform(0, math.tau), rng.uniform(0.8, 1.6) * radius
        patches.append(Patch(x + away * math.cos(angle), y + away * math.sin(angle), radius * rng.uniform(0.5, 0.9)))
    return tuple(patches)
