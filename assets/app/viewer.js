/* The picture viewer: zoom to the pointer, pan, fit, 1:1, turn, flip, invert, window, brightness, contrast, magnifier,
   marks. Its value is what app/viewer.py, `seen`, says:
   {id, src, name, next: [{src, …}, …], marks, warning} and, for true values of 16 bits, {values, greys, width, height}.
   Geometry and tone are CSS and a table of colours: nothing is encoded or fetched anew while the picture is moved.
   Other scripts reach a viewer as leaml.viewers[elem_id]: {mark(shape, done), stop(), marks(picture id, list)}. */

window.leaml = window.leaml || {};
leaml.viewers = {};

leaml.viewer = function (element, props, watch) {
  const part = (name) => element.querySelector(`.viewer-${name}`);
  const stage = part("stage");
  const LARGEST = 32;
  const STEP = 1.25;
  const SETTLED = 120; // ms after the last move from which on the finest pixels are shown
  const filter = leaml.lineFilter(stage);
  const view = { scale: 1, x: 0, y: 0, turns: 0, flips: [1, 1], fitted: true };
  let surface = null;
  let ahead = []; // surfaces of the pictures that come next, on their way or here
  let tone = leaml.tone(null);
  let tool = "move"; // what the pointer does: move, window; marks take it while they are drawn
  let hurried = false;
  let frame = 0;
  let settle = 0;
  const marks = leaml.marks(stage, toScreen, toShare, shown);
  const lens = leaml.lens(stage, part("lens"));

  // Geometry --------------------------------------------------------------------------------------------------------

  /* Sizes in CSS pixels; one picture pixel on one screen pixel is a scale of `oneToOne`. */
  const oneToOne = () => 1 / (window.devicePixelRatio || 1);
  function shown() {
    return surface && stage.dataset.state === "shown";
  }
  const size = () => (view.turns % 2 ? [surface.height, surface.width] : [surface.width, surface.height]);
  const fitScale = () => {
    const [width, height] = size();
    return Math.min(stage.clientWidth / width, stage.clientHeight / height, LARGEST) || 1;
  };

  /* From a share of the upright picture to the stage, and from the window back. */
  function toScreen([x, y]) {
    if (!surface) return [0, 0];
    let across = (x - 0.5) * surface.width;
    let down = (y - 0.5) * surface.height;
    for (let turn = 0; turn < view.turns; turn += 1) [across, down] = [-down, across];
    return [
      stage.clientWidth / 2 + view.x + view.flips[0] * view.scale * across,
      stage.clientHeight / 2 + view.y + view.flips[1] * view.scale * down,
    ];
  }
  function toShare(clientX, clientY) {
    const box = stage.getBoundingClientRect();
    let across = ((clientX - box.left - box.width / 2 - view.x) * view.flips[0]) / view.scale;
    let down = ((clientY - box.top - box.height / 2 - view.y) * view.flips[1]) / view.scale;
    for (let turn = 0; turn < view.turns; turn += 1) [across, down] = [down, -across];
    return [across / surface.width + 0.5, down / surface.height + 0.5];
  }

  function place() {
    if (view.fitted) Object.assign(view, { scale: fitScale(), x: 0, y: 0 });
    const [width, height] = size();
    // The picture can be moved as far as its edges, never out of sight.
    const roomX = Math.max(0, (width * view.scale - stage.clientWidth) / 2);
    const roomY = Math.max(0, (height * view.scale - stage.clientHeight) / 2);
    view.x = Math.min(roomX, Math.max(-roomX, view.x));
    view.y = Math.min(roomY, Math.max(-roomY, view.y));
    stage.classList.toggle("movable", roomX > 0 || roomY > 0);
    const flips = view.flips.map((flip) => flip * view.scale).join(", ");
    const move = `translate(-50%, -50%) translate(${view.x}px, ${view.y}px)`;
    surface.node.style.transform = `${move} scale(${flips}) rotate(${view.turns * 90}deg)`;
  }

  function draw() {
    frame = 0;
    if (!shown()) return;
    place();
    surface.paint(tone, view.scale / oneToOne(), hurried, filter);
    marks.draw();
    lens.draw(surface, tone, view, toShare);
    part("scale").textContent = `${Math.round((view.scale / oneToOne()) * 100)} %`;
    part("window").textContent = tone.words();
    drawPressed();
  }
  /* However often a pointer moves: once for each picture of the screen. */
  const later = () => {
    frame = frame || requestAnimationFrame(draw);
  };
  const hurry = () => {
    hurried = true;
    clearTimeout(settle);
    settle = setTimeout(() => {
      hurried = false;
      later();
    }, SETTLED);
    later();
  };

  function drawPressed() {
    const pressed = { fit: view.fitted, invert: tone.inverted, window: tool === "window", lens: lens.on(), tone: !part("tone").hidden };
    for (const [act, on] of Object.entries(pressed)) {
      const button = element.querySelector(`[data-act=${act}]`);
      if (button) button.setAttribute("aria-pressed", on);
    }
    for (const name of ["brightness", "contrast"]) element.querySelector(`[data-tone=${name}]`).value = tone[name];
    element.querySelectorAll("[data-preset]").forEach((button) => {
      const here = button.dataset.kind === tone.presets;
      if (button.hidden === here) button.hidden = !here;
    });
  }

  /* Zooms so that what lies under the point stays there; without a point, under the middle. */
  function zoomTo(scale, clientX, clientY) {
    if (!shown()) return;
    const box = stage.getBoundingClientRect();
    const x = clientX === undefined ? 0 : clientX - box.left - box.width / 2;
    const y = clientY === undefined ? 0 : clientY - box.top - box.height / 2;
    const next = Math.min(LARGEST, Math.max(Math.min(fitScale(), oneToOne()) / 2, scale));
    view.x = x - ((x - view.x) * next) / view.scale;
    view.y = y - ((y - view.y) * next) / view.scale;
    Object.assign(view, { scale: next, fitted: false });
    hurry();
  }
  const pan = (x, y) => {
    view.x += x;
    view.y += y;
    later();
  };

  // What buttons and keys do ----------------------------------------------------------------------------------------

  const changed = (change) => () => {
    change();
    later();
  };
  const flip = (axis, name) => changed(() => {
    view.flips[axis] *= -1;
    view[name] *= -1;
  });
  const acts = {
    fit: changed(() => (view.fitted = true)),
    in: () => zoomTo(view.scale * STEP),
    out: () => zoomTo(view.scale / STEP),
    one: (x, y) => (view.fitted || Math.abs(view.scale - oneToOne()) > 1e-6 ? zoomTo(oneToOne(), x, y) : acts.fit()),
    invert: changed(() => (tone.inverted = !tone.inverted)),
    rotate: changed(() => {
      // What is seen turns clockwise, mirrored or not.
      view.turns = (view.turns + (view.flips[0] * view.flips[1] > 0 ? 1 : 3)) % 4;
      view.fitted = true;
    }),
    across: flip(0, "x"),
    over: flip(1, "y"),
    window: changed(() => (tool = tool === "window" ? "move" : "window")),
    lens: changed(() => lens.turn()),
    tone: changed(() => (part("tone").hidden = !part("tone").hidden)),
    reset: changed(() => tone.reset()),
    ...Object.fromEntries([1, 2, 3, 4, 5].map((number) => [`preset${number}`, changed(() => tone.preset(number))])),
  };

  // The picture -----------------------------------------------------------------------------------------------------

  const same = (one, other) => one && other && one.src === other.src;

  function take(value) {
    surface = ahead.find((other) => same(other.shown, value)) || leaml.surface(value);
    const taken = surface;
    stage.dataset.state = "waits";
    tone = leaml.tone(value.greys || null);
    Object.assign(view, { turns: 0, flips: [1, 1], fitted: true });
    marks.end();
    element.querySelectorAll(".viewer-picture").forEach((old) => old.remove());
    surface.node.classList.add("viewer-picture");
    surface.node.setAttribute("role", "img");
    surface.node.setAttribute("aria-label", value.name || "");
    stage.prepend(surface.node);
    surface.ready.then(() => taken === surface && appear(), () => taken === surface && fail());
  }

  function appear() {
    stage.dataset.state = "shown";
    draw();
    loadAhead();
  }

  /* What is shown comes first: the next pictures are fetched and decoded once it is there. */
  function loadAhead() {
    const wanted = ((props.value && props.value.next) || []).filter((next, place, all) =>
      !same(surface.shown, next) && all.findIndex((other) => same(other, next)) === place);
    ahead = wanted.map((next) => {
      const known = ahead.find((other) => same(other.shown, next));
      const coming = known || leaml.surface(next);
      coming.ready.catch(() => (ahead = ahead.filter((other) => other !== coming)));
      return coming;
    });
  }

  function fail() {
    stage.dataset.state = "failed";
    part("notice").textContent = element.querySelector(".viewer").dataset.failed;
  }

  function show() {
    const value = props.value || {};
    part("notice").textContent = value.src ? "" : value.notice || "";
    if (!value.src) {
      stage.dataset.state = "empty";
      element.querySelectorAll(".viewer-picture").forEach((old) => old.remove());
      surface = null;
    } else if (!surface || !same(surface.shown, value) || stage.dataset.state === "failed") take(value);
    else if (shown()) appear();
    part("name").textContent = value.name || "";
    part("name").title = value.name || "";
    part("warning").textContent = value.warning || "";
    drawMarks();
  }

  /* Marks of the picture, and those that another script hands over, as long as it shows the same picture. */
  let handed = { id: null, list: [] };
  function drawMarks() {
    const { id, marks: own } = props.value || {};
    marks.show([...(own || []), ...(handed.id === id ? handed.list : [])]);
  }

  // The pointer -----------------------------------------------------------------------------------------------------

  let held = null; // what the pressed pointer does
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(view.scale * Math.exp(-event.deltaY * (event.deltaMode ? 0.03 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => !marks.drawing() && acts.one(event.clientX, event.clientY));
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("pointerdown", (event) => {
    if (!shown() || event.button === 1 || event.target.closest("button, input")) return;
    held = event.button === 2 ? "window" : marks.drawing() ? "mark" : tool;
    stage.setPointerCapture(event.pointerId);
    if (held === "mark") marks.down(event);
  });
  stage.addEventListener("pointermove", (event) => {
    lens.at(event.clientX, event.clientY);
    if (lens.on()) later();
    const values = shown() && tone.greys && surface.value(...picturePixel(event));
    part("value").textContent = typeof values === "number" ? `${Math.round(values * 100) / 100} ${tone.greys.unit}` : "";
    if (!held) return;
    if (held === "mark") return marks.move(event);
    if (held === "move") return pan(event.movementX, event.movementY);
    tone.drag(event.movementX, event.movementY);
    hurry();
  });
  const picturePixel = (event) => {
    const [x, y] = toShare(event.clientX, event.clientY);
    return [x * surface.width, y * surface.height];
  };
  const let_go = (event) => {
    if (held === "mark" && event.type === "pointerup") marks.up();
    held = null;
  };
  ["pointerup", "pointercancel"].forEach((kind) => stage.addEventListener(kind, let_go));
  stage.addEventListener("pointerleave", () => lens.leave());

  element.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-act]");
    if (pressed && acts[pressed.dataset.act]) acts[pressed.dataset.act]();
  });
  element.addEventListener("input", (event) => {
    const name = event.target.dataset.tone;
    if (name) changed(() => (tone[name] = Number(event.target.value)))();
  });
  leaml.onKeys(element, {
    z: () => acts.one(),
    "+": acts.in,
    "-": acts.out,
    "=": acts.fit,
    i: acts.invert,
    r: acts.rotate,
    h: acts.across,
    v: acts.over,
    w: acts.window,
    m: acts.lens,
    ...Object.fromEntries([1, 2, 3, 4, 5].map((number) => [`Shift+${number}`, acts[`preset${number}`]])),
    "Shift+ArrowLeft": () => pan(60, 0),
    "Shift+ArrowRight": () => pan(-60, 0),
    "Shift+ArrowUp": () => pan(0, 60),
    "Shift+ArrowDown": () => pan(0, -60),
  });

  // The id that app/viewer.py gave; Gradio wraps the part once more, under an id of its own.
  const root = element.closest("[id]:not([id^=html-])");
  if (root)
    leaml.viewers[root.id] = {
      mark: marks.begin,
      stop: () => marks.end(),
      marks(id, list) {
        handed = { id, list };
        drawMarks();
      },
    };
  new ResizeObserver(later).observe(stage);
  watch("value", show);
  show();
};
