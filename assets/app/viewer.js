/* The picture viewer: fit, zoom to the pointer, pan, 1:1, invert, rotate. Its value is
   {src, next, name} (addresses of this picture and of the one to load ahead, and what to call it) or null. */

window.leaml = window.leaml || {};

leaml.viewer = function (element, props, watch) {
  const stage = element.querySelector(".viewer-stage");
  const image = element.querySelector("img");
  const notice = element.querySelector(".viewer-notice");
  const name = element.querySelector(".viewer-name");
  const scaleShown = element.querySelector(".viewer-scale");
  const LARGEST = 32;
  const STEP = 1.25;
  const ahead = new Image();
  const view = { scale: 1, x: 0, y: 0, turns: 0, inverted: false, fitted: true };

  /* Sizes in CSS pixels; one picture pixel on one screen pixel is a scale of `oneToOne`. */
  const oneToOne = () => 1 / (window.devicePixelRatio || 1);
  const size = () => {
    const turned = view.turns % 2;
    return turned ? [image.naturalHeight, image.naturalWidth] : [image.naturalWidth, image.naturalHeight];
  };
  const fitScale = () => {
    const [width, height] = size();
    return width && height ? Math.min(stage.clientWidth / width, stage.clientHeight / height, LARGEST) : 1;
  };

  function draw() {
    if (view.fitted) Object.assign(view, { scale: fitScale(), x: 0, y: 0 });
    const [width, height] = size();
    // The picture can be moved as far as its edges, never out of sight.
    const roomX = Math.max(0, (width * view.scale - stage.clientWidth) / 2);
    const roomY = Math.max(0, (height * view.scale - stage.clientHeight) / 2);
    view.x = Math.min(roomX, Math.max(-roomX, view.x));
    view.y = Math.min(roomY, Math.max(-roomY, view.y));
    const move = `translate(-50%, -50%) translate(${view.x}px, ${view.y}px)`;
    image.style.transform = `${move} rotate(${view.turns * 90}deg) scale(${view.scale})`;
    image.style.filter = view.inverted ? "invert(1)" : "";
    stage.classList.toggle("movable", roomX > 0 || roomY > 0);
    scaleShown.textContent = `${Math.round((view.scale / oneToOne()) * 100)} %`;
    for (const [act, on] of [["fit", view.fitted], ["invert", view.inverted]])
      element.querySelector(`[data-act=${act}]`).setAttribute("aria-pressed", on);
  }

  /* Zooms so that what lies under the point stays there; without a point, under the middle. */
  function zoomTo(scale, clientX, clientY) {
    const box = stage.getBoundingClientRect();
    const x = clientX === undefined ? 0 : clientX - box.left - box.width / 2;
    const y = clientY === undefined ? 0 : clientY - box.top - box.height / 2;
    const next = Math.min(LARGEST, Math.max(Math.min(fitScale(), oneToOne()) / 2, scale));
    view.x = x - ((x - view.x) * next) / view.scale;
    view.y = y - ((y - view.y) * next) / view.scale;
    Object.assign(view, { scale: next, fitted: false });
    draw();
  }

  const fit = () => {
    view.fitted = true;
    draw();
  };
  const pan = (x, y) => {
    view.x += x;
    view.y += y;
    draw();
  };
  const acts = {
    fit,
    in: () => zoomTo(view.scale * STEP),
    out: () => zoomTo(view.scale / STEP),
    one: (x, y) => (view.fitted || Math.abs(view.scale - oneToOne()) > 1e-6 ? zoomTo(oneToOne(), x, y) : fit()),
    invert: () => {
      view.inverted = !view.inverted;
      draw();
    },
    rotate: () => {
      Object.assign(view, { turns: (view.turns + 1) % 4, fitted: true });
      draw();
    },
  };

  function show() {
    const value = props.value || {};
    if (value.src !== image.getAttribute("src")) {
      // The old picture must not stand beside the new question for a moment.
      stage.dataset.state = value.src ? "waits" : "empty";
      Object.assign(view, { turns: 0, inverted: false, fitted: true });
      if (value.src) image.src = value.src;
      else image.removeAttribute("src");
    }
    name.textContent = value.name || "";
    image.alt = value.name || "";
    notice.textContent = value.src ? "" : value.notice || "";
  }
  image.addEventListener("load", () => {
    stage.dataset.state = "shown";
    draw();
    if (props.value && props.value.next) ahead.src = props.value.next;
  });
  image.addEventListener("error", () => {
    if (!image.getAttribute("src")) return;
    stage.dataset.state = "failed";
    notice.textContent = "This picture cannot be shown.";
  });

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(view.scale * Math.exp(-event.deltaY * (event.deltaMode ? 0.03 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => acts.one(event.clientX, event.clientY));
  stage.addEventListener("pointerdown", (event) => {
    if (event.button || stage.dataset.state !== "shown") return;
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!stage.hasPointerCapture(event.pointerId)) return;
    pan(event.movementX, event.movementY);
  });
  element.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-act]");
    if (pressed) acts[pressed.dataset.act]();
  });
  leaml.onKeys(element, {
    z: () => acts.one(),
    "+": acts.in,
    "-": acts.out,
    "=": fit,
    i: acts.invert,
    r: acts.rotate,
    "Shift+ArrowLeft": () => pan(60, 0),
    "Shift+ArrowRight": () => pan(-60, 0),
    "Shift+ArrowUp": () => pan(0, 60),
    "Shift+ArrowDown": () => pan(0, -60),
  });
  new ResizeObserver(() => image.naturalWidth && draw()).observe(stage);
  watch("value", show);
  show();
};
