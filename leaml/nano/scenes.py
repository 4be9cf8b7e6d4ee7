"""Drawn everyday scenes with their truth: what nano learns to see from.

    scene = draw_scene(random.Random(1))                    # a training scene
    scene = draw_scene(random.Random(1), FOREIGN)           # the style that training never draws

A scene is a handful of flat shapes that do not touch, on a background. What is drawn is wide on purpose (resolution,
anti-aliasing, line and fill, rotation, texture, gradients, noise, palettes), so that the model learns shapes and
colours rather than one way of drawing them. `FOREIGN` was fixed before anything was measured on it: muted palette,
wobbling contours with a double outline, sizes from the gap between "small" and "large", and two resolutions of its own.

The same state of `random.Random` gives the same bytes.
"""

import math
import random
from dataclasses import dataclass, field, replace
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from leaml.records import REGIONS

SHAPES = (
    "circle", "square", "rectangle", "triangle", "ellipse", "star", "cross", "diamond", "ring", "heart",
)  # fmt: skip
COLOURS = {
    "red": [(214, 39, 40), (255, 0, 0), (185, 20, 30), (230, 50, 45)],
    "orange": [(255, 127, 14), (255, 160, 0), (235, 115, 20), (250, 145, 50)],
    "yellow": [(240, 215, 40), (255, 255, 0), (250, 230, 90), (235, 200, 20)],
    "green": [(44, 160, 44), (0, 110, 10), (0, 210, 0), (70, 185, 80), (25, 100, 50)],
    "blue": [(31, 90, 210), (0, 0, 255), (25, 40, 140), (75, 120, 235)],
    "purple": [(140, 60, 190), (128, 0, 128), (100, 30, 150), (160, 90, 210)],
    "pink": [(245, 150, 185), (255, 105, 180), (255, 195, 210), (235, 130, 170)],
    "brown": [(110, 70, 40), (139, 69, 19), (90, 55, 30), (150, 100, 60)],
    "cyan": [(0, 200, 210), (0, 255, 255), (80, 215, 225), (110, 230, 235)],
    "gray": [(128, 128, 128), (95, 95, 98), (165, 165, 162)],
    "black": [(0, 0, 0), (38, 38, 40), (20, 18, 25)],
    "white": [(255, 255, 255), (230, 230, 232), (248, 246, 240)],
}
"""Each colour is the convex hull of its corners, in RGB 0 to 255."""

SIZE_LIMIT = 0.12
"""Radius, as a share of the picture's side, below which an object is small."""


COUNT_WEIGHTS = {0: 2, 1: 16, 2: 20, 3: 20, 4: 16, 5: 12, 6: 8, 7: 6}


@dataclass(frozen=True, slots=True)
class Style:
    """How scenes are drawn. Radii are shares of the picture's side, `sides` are pixels.

    With `cells` above 0, objects stand in the middle of the cells of a grid of so many by so many, off it by at most
    `jitter` sides of the picture.
    """

    name: str
    palette: dict[str, list[tuple[int, int, int]]]
    small: tuple[float, float]
    large: tuple[float, float]
    sides: tuple[int, ...]
    foreign: bool = False
    cells: int = 0
    jitter: float = 0.0
    counts: dict[int, int] = field(default_factory=lambda: COUNT_WEIGHTS)


TRAINING = Style("training", COLOURS, (0.07, 0.10), (0.14, 0.20), tuple(range(72, 193, 8)))
_CROWD = {6: 1, 8: 2, 10: 2, 12: 2}
CROWDED = Style("crowded", COLOURS, (0.07, 0.10), (0.14, 0.18), (112, 128, 160), counts=_CROWD)
"""Many objects, for the vision tower alone: it learns from objects, and its cost is by picture."""
ALIGNED_SMALL = replace(CROWDED, name="aligned small", large=CROWDED.small, cells=4, counts={8: 1, 10: 1, 12: 1})
ALIGNED_LARGE = replace(CROWDED, name="aligned large", small=CROWDED.large, cells=2, counts={4: 1})
"""Objects on a grid: a shape is first learned where it always lies alike under the image tokens."""
FOREIGN = Style(
    "foreign",
    {
        "red": [(168, 62, 66)], "orange": [(222, 146, 92)], "yellow": [(222, 205, 118)], "green": [(96, 138, 92)],
        "blue": [(78, 104, 158)], "purple": [(120, 86, 138)], "pink": [(222, 166, 178)], "brown": [(118, 88, 70)],
        "cyan": [(124, 188, 194)], "gray": [(154, 140, 126)], "black": [(54, 46, 62)], "white": [(226, 222, 214)],
    },
    (0.104, 0.114), (0.126, 0.136), (64, 288), foreign=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One object: centre and radius as shares of the picture's sides (x to the right, y down)."""

    shape: str
    colour: str
    x: float
    y: float
    radius: float

    @property
    def size(self) -> str:
        return "small" if self.radius < SIZE_LIMIT else "large"

    @property
    def region(self) -> str:
        return REGIONS[3 * min(2, int(3 * self.y)) + min(2, int(3 * self.x))]


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture and its truth.

    `items` are in reading order (by row of regions, then from the left). `mask` is (64, 64) uint8: the number of the
    item, from 1, that covers the point; 0 is background. `ground` is the colour of the background, `pattern` how it is
    filled.
    """

    picture: Image.Image
    mask: np.ndarray
    items: tuple[Item, ...]
    ground: str
    pattern: str


MASK_SIDE = 64
TURNED_SHARE = 0.2
"""Share of triangles, stars and ellipses that stand at any angle; most stand upright."""
PATTERNS = {"plain": 60, "gradient": 14, "striped": 9, "dotted": 8, "checkered": 9}
GROUND_WEIGHTS = {"white": 5, "black": 4, "gray": 4}


def draw_scene(rng: random.Random, style: Style = TRAINING) -> Scene:
    """Draws one scene. All chance comes from `rng`."""
    ground = rng.choices(list(style.palette), [GROUND_WEIGHTS.get(c, 1.5) for c in style.palette])[0]
    ground_rgb = _shade(rng, style, ground)
    pattern = "plain" if style.foreign else rng.choices(list(PATTERNS), list(PATTERNS.values()))[0]
    items, paints = _arrange(rng, style, ground, ground_rgb)
    side = rng.choice(style.sides)
    wide = high = side
    if not style.foreign and rng.random() < 0.25:
        wide, high = rng.choice([(side, int(side * rng.uniform(0.8, 1))), (int(side * rng.uniform(0.8, 1)), side)])
    oversampling = 1 if style.foreign else rng.choice((1, 2, 2, 3) if side < 160 else (1, 2))
    canvas = _ground(rng, pattern, ground_rgb, wide * oversampling, high * oversampling)
    mask = Image.new("L", (MASK_SIDE, MASK_SIDE))
    mask_pen = ImageDraw.Draw(mask)
    for number, (item, rgb) in enumerate(zip(items, paints, strict=True), start=1):
        outline = _outline(rng, item.shape, style)
        _paint(rng, canvas, item, rgb, outline, style)
        mask_pen.polygon([(x * MASK_SIDE, y * MASK_SIDE) for x, y in _placed(item, outline)], fill=number)
    picture = canvas.resize((wide, high), Image.Resampling.BOX) if oversampling > 1 else canvas
    if not style.foreign:
        picture = _camera(rng, picture)
    return Scene(picture, np.asarray(mask), items, ground, pattern)


def _shade(rng: random.Random, style: Style, colour: str) -> tuple[int, int, int]:
    """A shade of the colour: a random point of the hull of its corners, and a little jitter."""
    corners = style.palette[colour]
    weights = [rng.random() ** 2 + 1e-3 for _ in corners]
    total = sum(weights)
    mixed = [sum(w * corner[k] for w, corner in zip(weights, corners, strict=True)) / total for k in range(3)]
    jitter = 3 if style.foreign else 7
    return tuple(int(min(255, max(0, value + rng.uniform(-jitter, jitter)))) for value in mixed)


def _contrast(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    """Distance of two shades in RGB, weighted as the eye sees it ("redmean")."""
    mean = (a[0] + b[0]) / 2
    d = [x - y for x, y in zip(a, b, strict=True)]
    return math.sqrt((2 + mean / 256) * d[0] ** 2 + 4 * d[1] ** 2 + (2 + (255 - mean) / 256) * d[2] ** 2)


def _arrange(rng: random.Random, style: Style, ground: str, ground_rgb: tuple[int, int, int]):
    """Items that do not touch, and their shades. Attributes repeat often, or counting and pointing would be trivial."""
    wanted = rng.choices(list(style.counts), list(style.counts.values()))[0]
    placed: list[tuple[Item, tuple[int, int, int]]] = []
    small_share = rng.choice((0.2, 0.5, 0.8, 1.0)) if wanted < 5 else 0.8
    for _ in range(wanted):
        for _attempt in range(30):
            radius = rng.uniform(*(style.small if rng.random() < small_share else style.large))
            x, y = _place(rng, style, radius)
            if min(abs(v - b) for v in (x, y) for b in (1 / 3, 2 / 3)) < 0.035:
                continue
            if any(math.hypot(x - o.x, y - o.y) < radius + o.radius + 0.02 for o, _ in placed):
                continue
            copied = rng.choice(placed)[0] if placed else None
            shape = copied.shape if copied and rng.random() < 0.22 else rng.choice(SHAPES)
            colour = copied.colour if copied and rng.random() < 0.22 else rng.choice(list(style.palette))
            rgb = _shade(rng, style, colour)
            if colour == ground or _contrast(rgb, ground_rgb) < 110:
                continue
            placed.append((Item(shape, colour, x, y, radius), rgb))
            break
    placed.sort(key=lambda entry: (REGIONS.index(entry[0].region), entry[0].x))
    return tuple(item for item, _ in placed), [rgb for _, rgb in placed]


def _place(rng: random.Random, style: Style, radius: float) -> tuple[float, float]:
    """A centre for an object of this radius, anywhere or in a cell of the style's grid."""
    if not style.cells:
        return rng.uniform(radius + 0.01, 0.99 - radius), rng.uniform(radius + 0.01, 0.99 - radius)
    x, y = ((rng.randrange(style.cells) + 0.5) / style.cells + rng.uniform(-style.jitter, style.jitter) for _ in "xy")
    return x, y


def _regular(corners: int, inner: float = 0.0) -> list[tuple[float, float]]:
    """A regular polygon of radius 1, or a star where an inner radius is given."""
    points = []
    for k in range(corners * (2 if inner else 1)):
        radius = inner if inner and k % 2 else 1.0
        angle = 2 * math.pi * k / (corners * (2 if inner else 1)) - math.pi / 2
        points.append((radius * math.cos(angle), radius * math.sin(angle)))
    return points


def _rotated(points: list[tuple[float, float]], degrees: float) -> list[tuple[float, float]]:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(c * x - s * y, s * x + c * y) for x, y in points]


def _outline(rng: random.Random, shape: str, style: Style) -> list[tuple[float, float]]:
    """The contour of a shape in units of its radius, turned as far as the shape keeps its name."""
    any_turn, slight = rng.uniform(0, 360), rng.uniform(-10, 10)
    turn = any_turn if rng.random() < TURNED_SHARE else slight
    if shape in ("circle", "ring"):
        points = _regular(36)
    elif shape == "ellipse":
        flat = rng.uniform(0.45, 0.58)
        points = _rotated([(x, y * flat) for x, y in _regular(36)], rng.choice((0, 90)) + turn)
    elif shape == "square":
        points = _rotated([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)], slight)
    elif shape == "rectangle":
        high = rng.uniform(0.38, 0.52)
        points = _rotated([(-0.97, -high), (0.97, -high), (0.97, high), (-0.97, high)], rng.choice((0, 90)) + slight)
    elif shape == "triangle":
        points = _rotated(_regular(3), turn)
    elif shape == "star":
        points = _rotated(_regular(5, rng.uniform(0.38, 0.48)), turn)
    elif shape == "cross":
        arm = rng.uniform(0.24, 0.34)
        quarter = [(-arm, -1), (arm, -1), (arm, -arm)]
        points = _rotated([p for k in range(4) for p in _rotated(quarter, 90 * k)], slight)
    elif shape == "diamond":
        points = _rotated([(0, -1), (rng.uniform(0.6, 0.75), 0), (0, 1), (-rng.uniform(0.6, 0.75), 0)], slight)
    else:
        points = _rotated(_heart(), slight)
    if style.foreign:
        points = _wobble(rng, points)
    return points


def _heart() -> list[tuple[float, float]]:
    points = []
    for k in range(36):
        t = 2 * math.pi * k / 36
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((x / 17, -(y + 2) / 15))
    return points


def _wobble(rng: random.Random, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A contour as a hand would draw it: corners a little off, edges a little bent."""
    wobbling = []
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        pieces = max(1, round(math.hypot(x1 - x0, y1 - y0) / 0.35))
        for k in range(pieces):
            t = k / pieces
            wobbling.append((x0 + t * (x1 - x0) + rng.gauss(0, 0.025), y0 + t * (y1 - y0) + rng.gauss(0, 0.025)))
    return wobbling


def _placed(item: Item, outline: list[tuple[float, float]], scale: float = 1.0) -> list[tuple[float, float]]:
    """The contour in shares of the picture's sides."""
    return [(item.x + item.radius * scale * x, item.y + item.radius * scale * y) for x, y in outline]


def _paint(rng: random.Random, canvas: Image.Image, item: Item, rgb, outline, style: Style) -> None:
    """Draws one item, filled, textured or as a thick line."""
    wide, high = canvas.size

    def pixels(scale: float) -> list[tuple[float, float]]:
        return [(x * wide, y * high) for x, y in _placed(item, outline, scale)]

    def stencil(outer: float, inner: float) -> Image.Image:
        image = Image.new("L", canvas.size)
        pen = ImageDraw.Draw(image)
        pen.polygon(pixels(outer), fill=255)
        if inner:
            pen.polygon(pixels(inner), fill=0)
        return image

    fill, rim = _finish(rng, item, style)
    hole = rng.uniform(0.5, 0.62) if item.shape == "ring" else 0.66 if fill == "line" else 0.0
    if style.foreign:
        # Halo and contour lie outside the filled area, so that the named colour keeps its share of the object.
        canvas.paste((250, 250, 246), (0, 0), stencil(1.22, hole and hole - 0.2))
        canvas.paste((16, 16, 20), (0, 0), stencil(1.11, hole and hole - 0.1))
    canvas.paste(_material(rng, fill, rgb, canvas.size, item), (0, 0), stencil(1.0, hole))
    if rim is not None:
        corners = pixels(1.0)
        ImageDraw.Draw(canvas).line([*corners, corners[0]], fill=rim, width=max(1, round(wide * item.radius * 0.09)))


def _finish(rng: random.Random, item: Item, style: Style):
    """How an item is filled, and the shade of its rim or None."""
    if style.foreign:
        return "solid", None
    fill = rng.choices(("solid", "gradient", "striped", "line"), (64, 16, 8, 12))[0]
    # An outlined circle would be a ring, and a thin line on a small object does not survive the resize to the input.
    if fill == "line" and (item.shape in ("circle", "ring", "ellipse") or item.size == "small"):
        fill = "solid"
    rim = rng.choice([None, None, None, (10, 10, 10), (245, 245, 245)]) if fill in ("solid", "gradient") else None
    return fill, rim


def _material(rng: random.Random, fill: str, rgb, size: tuple[int, int], item: Item) -> Image.Image | tuple:
    """What an item is painted with: one shade, a gradient of its own shades, or stripes of two of them."""
    if fill in ("solid", "line"):
        return rgb
    wide, high = size
    phase, angle = rng.random(), rng.uniform(0, math.pi)
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    along = (x / wide - item.x) * math.cos(angle) + (y / high - item.y) * math.sin(angle)
    if fill == "gradient":
        light = 1 + 0.28 * np.clip(along / item.radius, -1, 1)
    else:
        light = np.where(((along / item.radius * 2.2 + phase) % 1) < 0.5, 1.0, 0.78)
    shaded = np.clip(light[..., None] * np.array(rgb, np.float32), 0, 255)
    return Image.fromarray(shaded.astype(np.uint8))


def _ground(rng: random.Random, pattern: str, rgb, wide: int, high: int) -> Image.Image:
    """The background: one shade, or a mild pattern of two neighbouring shades."""
    if pattern == "plain":
        return Image.new("RGB", (wide, high), rgb)
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    x, y = x / wide, y / high
    angle, pitch = rng.uniform(0, math.pi), rng.uniform(0.06, 0.14)
    along = x * math.cos(angle) + y * math.sin(angle)
    if pattern == "gradient":
        tone = along / 1.4
    elif pattern == "striped":
        tone = ((along / pitch) % 1 < 0.5).astype(np.float32)
    elif pattern == "dotted":
        tone = (np.hypot((x / pitch) % 1 - 0.5, (y / pitch) % 1 - 0.5) < 0.25).astype(np.float32)
    else:
        tone = (((x / pitch).astype(int) + (y / pitch).astype(int)) % 2).astype(np.float32)
    step = rng.uniform(14, 30) * (-1 if sum(rgb) > 380 else 1)
    return Image.fromarray(np.clip(np.array(rgb, np.float32) + step * tone[..., None], 0, 255).astype(np.uint8))


def _camera(rng: random.Random, picture: Image.Image) -> Image.Image:
    """What a lens and a file format do to a picture: uneven light, blur, noise, JPEG."""
    if rng.random() < 0.12:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9) * picture.width / 128))
    uneven, noisy = rng.random() < 0.2, rng.random() < 0.3
    if uneven or noisy:
        pixels = np.asarray(picture, np.float32)
        if uneven:
            angle, depth = rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 0.18)
            y, x = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j].astype(np.float32)
            pixels = pixels * (1 + depth * (x * math.cos(angle) + y * math.sin(angle)))[..., None]
        if noisy:
            grain = np.random.default_rng(rng.getrandbits(64))
            pixels = pixels + grain.standard_normal(pixels.shape, np.float32) * rng.uniform(2, 12)
        picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if rng.random() < 0.15:
        stream = BytesIO()
        picture.save(stream, "JPEG", quality=rng.randint(45, 90))
        picture = Image.open(stream)
        picture.load()
    return picture
