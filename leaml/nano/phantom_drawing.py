"""Draws the scenes of the colonoscopy phantom with numpy and Pillow: `draw(scene) -> Image`.

Every element takes its noise from a generator of its own, seeded by (seed, index, element): a scene drawn without its
polyps differs from the whole scene where the polyps are, and nowhere else (but for blur).

Arrays are float32, (256, 256) or (256, 256, 3), colours 0 to 255.
"""

import math

import numpy as np
from numpy.polynomial.chebyshev import chebval
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from leaml.nano.phantom_truth import SIZE, Instrument, Patch, Polyp, Rectangle, Scene, view_depth

# Crest colour of the mucosa, and how dark and red its depths are. All lean to orange: pink is left to polyps.
PALETTES = (
    ((222, 140, 104), (52, 16, 12)),
    ((198, 104, 70), (40, 10, 6)),
    ((214, 128, 88), (60, 20, 12)),
    ((208, 146, 118), (48, 22, 20)),
    ((178, 88, 62), (34, 8, 6)),
    ((228, 158, 112), (66, 24, 14)),
)
POLYP_RGB = {
    "pink": (250, 158, 178),
    "red": (186, 26, 32),
    "white": (255, 248, 234),
    "yellow": (242, 206, 80),
    "purple": (116, 52, 146),
}
BOX_RGB = {"green": (20, 160, 132), "black": (6, 6, 8)}
SHAFT_RGB = ((176, 182, 190), (232, 232, 226), (86, 138, 196), (92, 96, 108))
STOOL_RGB = ((118, 84, 30), (146, 112, 36), (92, 62, 24), (108, 98, 36))
FONT = ImageFont.load_default(size=12)

_Y, _X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)


def draw(scene: Scene) -> Image.Image:
    """The picture of a scene, RGB, 256 x 256."""
    light, canvas = _mucosa(scene)
    for number, patch in enumerate(scene.stool):
        _stool(canvas, light, patch, _noise_of(scene, 100 + number))
    for number, polyp in enumerate(scene.polyps):
        _polyp(canvas, light, polyp, _noise_of(scene, 200 + number))
    for number, patch in enumerate(scene.bubbles):
        _bubbles(canvas, patch, _noise_of(scene, 300 + number))
    _reflections(canvas, light, _noise_of(scene, 2))
    for instrument in scene.instruments:
        _instrument(canvas, instrument)
    return _overlays(_camera(canvas, scene), scene)


def _noise_of(scene: Scene, element: int) -> np.random.Generator:
    return np.random.default_rng((scene.seed, scene.index, element))


def _smooth(rng: np.random.Generator, cells: int, shape: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """Smooth noise of about unit variance, of that shape, as part of a picture with `cells` bumps across."""
    rows, columns = (max(3, round(cells * length / SIZE)) for length in shape)
    grid = Image.fromarray(rng.standard_normal((rows, columns), np.float32) * 1.5)
    return np.asarray(grid.resize(shape[::-1], Image.Resampling.BICUBIC))


def _mucosa(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Light (256, 256), about 0 to 1.2, and the colon wall in it: folds around a dark lumen, vessels, texture."""
    rng = _noise_of(scene, 1)
    coarse, middle, fine = _smooth(rng, 4), _smooth(rng, 9), _smooth(rng, 70)
    dx, dy = _X - scene.lumen[0] + 9 * coarse, _Y - scene.lumen[1] + 9 * middle
    lobes, turn = int(rng.integers(2, 5)), rng.uniform(0, math.tau)
    distance = np.sqrt(dx * dx + dy * dy + 1e-3)
    cosine = (dx * math.cos(turn) + dy * math.sin(turn)) / distance
    # cos(n * angle) is the Chebyshev polynomial T_n of cos(angle): two to four lobes, far faster than an arctangent.
    distance *= (1 + 0.12 * chebval(cosine, np.eye(5, dtype=np.float32)[lobes])) / SIZE
    folds, offset = rng.uniform(1.3, 2.6), rng.uniform(0, 1)
    phase = folds * np.log(distance + 0.14) * 1.6 + offset + 0.13 * coarse + 0.035 * middle
    saw = phase - np.floor(phase)
    # Each fold brightens towards its crest, behind which the wall drops out of sight: a soft sawtooth.
    crest = saw * saw * np.clip((1.0 - saw) / 0.12, 0, 1)
    strength = rng.uniform(0.55, 1.0) * np.clip(0.7 + 0.4 * _smooth(rng, 4), 0.1, 1.2)
    lumen = 1 - np.exp(-((distance / rng.uniform(0.09, 0.24)) ** 2))
    fall_off = 1.12 - 0.4 * ((_X - 128) ** 2 + (_Y - 128) ** 2) / 128.0**2 * rng.uniform(0.5, 1.0)
    light = lumen * fall_off * (0.92 + strength * (crest - 0.3)) + 0.012 * fine + 0.04 * coarse
    light = np.clip(light * rng.uniform(0.9, 1.08), 0.02, 1.3)
    bright, dark = (np.array(colour, np.float32) for colour in PALETTES[scene.palette])
    canvas = dark + (bright - dark) * np.minimum(light, 1.0)[..., None]
    # Where the wall is close, the camera overexposes it towards a warm white.
    _blend(canvas, (255, 222, 186), np.clip(light - 1.0, 0, 0.3) * 1.9)
    # Zero crossings of smooth noise branch and wander as vessels do.
    nearest = np.minimum(np.abs(_smooth(rng, 8) + 0.25 * middle), 1.3 * np.abs(_smooth(rng, 17)) + 0.05)
    vessels = np.clip(1.1 - 6 * nearest, 0, 1) * np.clip(0.5 + 0.6 * coarse, 0, 1) * scene.vessels * 0.4
    canvas *= (1 + 0.012 * fine)[..., None] - vessels[..., None] * np.array((0.5, 1.0, 0.9), np.float32)
    return light, canvas


def _blend(canvas: np.ndarray, colour, alpha: np.ndarray) -> None:
    """Lays a colour, (3,) or (height, width, 3), over the canvas, in place."""
    canvas += (np.asarray(colour, np.float32) - canvas) * alpha[..., None]


def _window(x: float, y: float, radius: float) -> tuple[slice, slice]:
    """Rows and columns of the picture that lie within `radius` of a point."""
    return _window_around([(x, y)], radius)


def _window_around(points: list[tuple[float, float]], radius: float) -> tuple[slice, slice]:
    def span(values: list[float]) -> slice:
        first = max(0, int(min(values) - radius))
        return slice(first, max(first, min(SIZE, int(max(values) + radius) + 2)))

    return span([y for _, y in points]), span([x for x, _ in points])


def _stool(canvas: np.ndarray, light: np.ndarray, patch: Patch, rng: np.random.Generator) -> None:
    """Ragged, mottled, matt patches of brown to olive."""
    window = _window(patch.x, patch.y, 1.6 * patch.radius)
    if light[window].size == 0:
        return
    ragged, mottle = (_smooth(rng, cells, light[window].shape) for cells in (22, 60))
    distance = np.hypot(_X[window] - patch.x, _Y[window] - patch.y) / patch.radius
    alpha = np.clip((1.02 - distance + 0.22 * ragged) * 5, 0, 1) * 0.92
    tone = np.array(STOOL_RGB[rng.integers(len(STOOL_RGB))], np.float32)
    shade = (1 + 0.17 * mottle) * np.clip(light[window], 0.6, 1.05)
    _blend(canvas[window], tone * shade[..., None], alpha)


def _polyp(canvas: np.ndarray, light: np.ndarray, polyp: Polyp, rng: np.random.Generator) -> None:
    """A flat patch with a rim, a dome, or a ball on a stalk."""
    x, y, radius = polyp.x, polyp.y, polyp.radius
    column, row = min(SIZE - 1, int(x)), min(SIZE - 1, int(y))
    lamp = float(np.clip(light[row, column] * 1.1, 0.88, 1.02))
    # Contrast varies: some polyps have a little of the wall's colour.
    likeness = rng.uniform(0, 0.15)
    wall = np.array(PALETTES[0][0], np.float32)
    tone = (np.array(POLYP_RGB[polyp.colour], np.float32) * (1 - likeness) + wall * likeness) * lamp
    if polyp.kind == "pedunculated":
        # The head is set back so that (x, y) stays the middle of head and stalk together.
        x -= 0.24 * radius * math.cos(polyp.angle)
        y -= 0.24 * radius * math.sin(polyp.angle)
        _stalk(canvas, x, y, polyp, tone)
    window = _window(x, y, 1.75 * radius)
    dx, dy = _X[window] - x, _Y[window] - y
    distance, edge = _outline(polyp, dx, dy, rng)
    pits, fine = (_smooth(rng, cells, dx.shape) for cells in (24 if polyp.size == "large" else 44, 90))
    surface = _flat if polyp.kind == "flat" else _dome
    surface(canvas[window], tone, radius, (dx, dy), (distance, edge), (pits, fine))


def _outline(polyp: Polyp, dx: np.ndarray, dy: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Distance of pixels from the polyp's middle, and of its uneven edge in their direction, in pixels."""
    cosine, sine = math.cos(polyp.angle), math.sin(polyp.angle)
    stretch = math.sqrt(polyp.aspect)
    u, v = (cosine * dx + sine * dy) / stretch, (cosine * dy - sine * dx) * stretch
    around = np.arctan2(v, u)
    uneven = {"flat": 0.085, "sessile": 0.05, "pedunculated": 0.03}[polyp.kind]
    first, second = rng.uniform(0, math.tau), rng.uniform(0, math.tau)
    wave = np.cos(3 * around + first) + 0.6 * np.cos(5 * around + second)
    return np.hypot(u, v), polyp.radius * (1 + uneven * wave)


def _flat(view, tone, radius, offset, shape, textures) -> None:
    """A level patch: no shadow, no highlight, a thin dark rim, and its texture runs on from the wall's."""
    (distance, edge), (pits, fine) = shape, textures
    rim = np.clip(1 - np.abs(distance - edge) / 2.4, 0, 1)
    _blend(view, view * 0.55, rim * 0.7)
    relief = view.mean(axis=2)
    relief = np.clip(relief / max(float(relief.mean()), 1.0), 0.8, 1.12)
    shade = (0.97 + 0.035 * pits + 0.03 * fine) * (0.55 + 0.45 * relief)
    alpha = np.clip((edge - distance) / 2.2, 0, 1) * (0.93 + 0.05 * np.clip(pits, -1, 1))
    _blend(view, np.minimum(tone * shade[..., None], 250), alpha)


def _dome(view, tone, radius, offset, shape, textures) -> None:
    """A raised polyp: shadow, rounded shading, a bumpy surface, and the lamp's reflection on it."""
    (dx, dy), (distance, edge), (pits, fine) = offset, shape, textures
    rho = np.clip(distance / edge, 0, 1)
    inside = np.clip((edge - distance) / 1.6 + 0.4, 0, 1)
    _blend(view, view * 0.35, _shadow(dx, dy, radius) * 0.75)
    height = np.sqrt(1 - rho**2 * 0.94)
    lit = np.clip(0.7 * height - (0.34 * dx + 0.42 * dy) / radius + 0.05 * pits, 0, None)
    shade = 0.6 + 0.44 * lit + 0.03 * fine
    _blend(view, np.minimum(tone * shade[..., None], 250), inside)
    _blend(view, view * 0.55, inside * np.clip((rho - 0.84) / 0.16, 0, 1) * 0.6)
    # Wet surfaces mirror the lamp in broken spots, up and to the left where the light comes from.
    near = np.hypot(dx + 0.33 * radius, dy + 0.4 * radius) / (0.3 * radius + 1.5)
    spark = np.clip((1.0 - near + 0.33 * fine + 0.12 * pits) * 2.2, 0, 1)
    _blend(view, (255, 250, 240), spark * inside * np.clip(1.9 - 1.2 * near, 0, 1))


def _shadow(dx: np.ndarray, dy: np.ndarray, radius: float) -> np.ndarray:
    """The shadow that a raised polyp throws down and to the right, 0 to 1."""
    away = np.hypot(dx - 0.2 * radius, dy - 0.26 * radius) / radius
    return np.clip((1.28 - away) / 0.36, 0, 1)


def _stalk(canvas: np.ndarray, x: float, y: float, polyp: Polyp, tone: np.ndarray) -> None:
    """A paler band from under the head to the wall, rounded like a cylinder, with dark sides."""
    window = _window(x, y, 2.6 * polyp.radius)
    dx, dy = _X[window] - x, _Y[window] - y
    along = (math.cos(polyp.angle) * dx + math.sin(polyp.angle) * dy) / polyp.radius
    across = (math.cos(polyp.angle) * dy - math.sin(polyp.angle) * dx) / polyp.radius
    half = 0.27 + 0.09 * np.clip(along - 1.3, 0, None) ** 2 + 0.6 / polyp.radius
    band = np.clip((along - 0.2) * 4, 0, 1) * np.clip((2.12 - along) * polyp.radius / 2, 0, 1)
    view = canvas[window]
    _blend(view, view * 0.3, band * np.clip((half + 0.2 - np.abs(across)) * 6, 0, 1) * 0.8)
    shade = 0.7 + 0.42 * np.sqrt(np.clip(1 - (across / half) ** 2, 0, 1))
    flesh = 0.55 * tone + 0.45 * np.array((238, 186, 158), np.float32)
    band *= np.clip((half - np.abs(across)) * polyp.radius, 0, 1)
    _blend(view, np.minimum(flesh * shade[..., None], 250), band)


def _bubbles(canvas: np.ndarray, patch: Patch, rng: np.random.Generator) -> None:
    """A cluster of clear bubbles: a faint film, bright rims, a spark in each."""
    for _ in range(int(patch.radius / 2.6)):
        radius = rng.uniform(4.0, 8.5)
        away, turn = patch.radius * math.sqrt(rng.uniform()), rng.uniform(0, math.tau)
        x, y = patch.x + away * math.cos(turn), patch.y + away * math.sin(turn)
        window = _window(x, y, radius + 2)
        dx, dy = _X[window] - x, _Y[window] - y
        distance = np.hypot(dx, dy)
        view = canvas[window]
        _blend(view, (214, 196, 176), np.clip(radius - distance, 0, 1) * 0.22)
        _blend(view, (250, 244, 230), np.clip(1.25 - np.abs(distance - radius), 0, 1) * 0.85)
        _blend(view, (60, 28, 20), np.clip(1.2 - np.abs(distance - radius + 2.1), 0, 1) * 0.4)
        _blend(view, (255, 255, 250), np.clip(2.0 - np.hypot(dx + 0.4 * radius, dy + 0.4 * radius), 0, 1))


def _reflections(canvas: np.ndarray, light: np.ndarray, rng: np.random.Generator) -> None:
    """The lamp mirrored on wet mucosa: small sharp spots in clusters, where the wall is bright."""
    spots = _smooth(rng, 64) + 1.1 * _smooth(rng, 6) + 2.2 * (light - 0.85)
    alpha = np.clip((spots - rng.uniform(3.5, 5.2)) * 1.6, 0, 1)
    _blend(canvas, (255, 250, 240), alpha * 0.92)


def _instrument(canvas: np.ndarray, tool: Instrument) -> None:
    """A shaft from beyond the picture to its tip: open jaws (forceps) or a wire loop (snare)."""
    cosine, sine = math.cos(tool.angle), math.sin(tool.angle)
    window = _window_around(tool.points(), 44)
    view, dx, dy = canvas[window], _X[window] - tool.x, _Y[window] - tool.y
    along, across = cosine * dx + sine * dy, cosine * dy - sine * dx
    half = tool.width / 2
    tone = np.array(SHAFT_RGB[tool.shaft], np.float32)
    hinge = -12.0 if tool.kind == "forceps" else -19.0
    started = np.clip(hinge - along, 0, 1)
    _blend(view, view * 0.35, started * np.clip(half + 4 - np.abs(across - 2.5), 0, 1) * 0.8)
    shade = 0.45 + 0.65 * np.sqrt(np.clip(1 - ((across + 1.5) / (half + 1.5)) ** 2, 0, 1))
    shade *= 1 - 0.1 * (np.sin(along * 14 / tool.width) > 0.3)
    cylinder = np.minimum(tone * shade[..., None], 253)
    _blend(view, cylinder, started * np.clip(half - np.abs(across) + 0.5, 0, 1))
    head = _jaws if tool.kind == "forceps" else _loop
    head(view, along, across)


def _jaws(view: np.ndarray, along: np.ndarray, across: np.ndarray) -> None:
    """Two steel cups, opened to a V, hinged behind the tip's middle."""
    for side in (-1.0, 1.0):
        slope = np.clip((along + 14) / 36, 0, 1)
        middle = side * (2.5 + 15.0 * np.sin(slope * 1.5))
        thick = 3.2 + 3.6 * np.sin(np.clip(slope, 0, 1) * math.pi * 0.9)
        length = np.clip(along + 16, 0, 1) * np.clip(23 - along, 0, 1)
        away = np.abs(across - middle)
        _blend(view, (26, 20, 22), length * np.clip(thick + 2.2 - away, 0, 1) * 0.85)
        shade = 0.55 + 0.5 * np.clip(1 - ((across - middle + 1.5) / (thick + 1)) ** 2, 0, 1)
        _blend(view, np.array((226, 230, 236), np.float32) * shade[..., None], length * np.clip(thick - away, 0, 1))


def _loop(view: np.ndarray, along: np.ndarray, across: np.ndarray) -> None:
    """An oval of bright wire, narrowed towards the sheath."""
    width = 16.5 * np.clip(0.55 + (along + 22) / 60, 0.4, 1.1)
    rho = np.hypot(along / 22.5, across / width)
    away = np.abs(rho - 1) * np.minimum(width, 19.0)
    _blend(view, (30, 22, 20), np.clip(4.6 - away, 0, 1) * 0.8)
    _blend(view, (246, 232, 176), np.clip(2.7 - away, 0, 1))


def _camera(canvas: np.ndarray, scene: Scene) -> Image.Image:
    """The endoscope's window, blur and sensor noise."""
    rng = _noise_of(scene, 3)
    inside = np.clip(view_depth(scene.view, _X, _Y) + 0.5, 0, 1)
    canvas = np.clip(canvas, 0, 255) * inside[..., None] + 6 * (1 - inside[..., None])
    picture = Image.fromarray(canvas.astype(np.uint8))
    if scene.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(scene.blur))
    grain = rng.standard_normal((SIZE, SIZE), np.float32)[..., None] * 1.6
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


def _overlays(picture: Image.Image, scene: Scene) -> Image.Image:
    """What the video processor burns in after the camera: the box artefact and text."""
    rng, brush = _noise_of(scene, 4), ImageDraw.Draw(picture)
    if scene.box is not None:
        _box(brush, scene.box, BOX_RGB[scene.box_colour], rng)
    if scene.text is not None:
        _text(brush, scene.text, rng)
    return picture


def _box(brush: ImageDraw.ImageDraw, box: Rectangle, colour: tuple, rng: np.random.Generator) -> None:
    """The scope guide's panel: one colour, a thin frame, and the drawn course of the scope."""
    corners = (box.left, box.top, box.left + box.width - 1, box.top + box.height - 1)
    brush.rectangle(corners, fill=colour, outline=(40, 44, 48))
    steps = np.linspace(0, 1, 14)
    bend, swing = rng.uniform(-0.3, 0.3), rng.uniform(2, 5)
    xs = box.left + box.width * (0.5 + bend * np.sin(swing * steps) * 0.8)
    ys = box.top + box.height * (0.92 - 0.7 * steps)
    line = (36, 60, 56) if colour[1] > 100 else (150, 156, 150)
    brush.line([(float(x), float(y)) for x, y in zip(xs, ys, strict=True)], fill=line, width=2)


def _text(brush: ImageDraw.ImageDraw, block: Rectangle, rng: np.random.Generator) -> None:
    """Lines as a video processor writes them. The first says what this is."""
    digits = rng.integers(0, 10, 12)
    day, clock = "{}{}/{}{}/{}{}".format(*digits[:6]), "{}{}:{}{}:{}{}".format(*digits[6:])
    lines = ["PHANTOM", f"No {digits[0]}{digits[5]}{digits[7]}", day, clock, f"CVP:{digits[2]}"]
    for number in range(int(block.height) // 13):
        at = (block.left, block.top + 13 * number)
        brush.text(at, lines[number], font=FONT, fill=(238, 240, 236), stroke_width=1, stroke_fill=(20, 18, 18))
