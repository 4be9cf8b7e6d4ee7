/* Marks on a picture: drawn over it at every zoom and turn, and made with the pointer. Points are shares of the upright
   picture's width and height, whatever way it is shown.

     const marks = leaml.marks(stage, toScreen, toShare, ready);     // ready(): there is a picture to draw on
     marks.show([{shape: "box", points: [[0.1, 0.2], [0.4, 0.5]], label: "1"}]);
     marks.begin("region", (points) => …);      // until Escape or marks.end() */

window.leaml = window.leaml || {};

leaml.marks = function (stage, toScreen, toShare, ready) {
  const SVG = "http://www.w3.org/2000/svg";
  const LEAST = 4; // screen pixels below which a box or a region was a slip of the hand
  const layer = document.createElementNS(SVG, "svg");
  layer.setAttribute("class", "viewer-marks");
  layer.setAttribute("aria-hidden", "true");
  stage.append(layer);
  let shown = [];
  let tool = null; // {shape, done}
  let drawing = null; // points, in shares

  const node = (tag, properties, ...children) => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  /* A box has four corners on the screen: the picture may be turned. */
  const corners = ([[left, top], [right, bottom]]) => [[left, top], [right, top], [right, bottom], [left, bottom]];

  function outline({ shape, points }) {
    if (shape === "point") {
      const [x, y] = toScreen(points[0]);
      return node("path", { d: `M${x - 9} ${y}h6m6 0h6M${x} ${y - 9}v6m0 6v6` });
    }
    const around = (shape === "box" ? corners(points) : points).map(toScreen);
    return node("polygon", { points: around.map((point) => point.join(",")).join(" ") });
  }

  function draw() {
    if (!ready()) return;
    const all = drawing && drawing.length ? [...shown, { shape: tool.shape, points: drawing }] : shown;
    layer.replaceChildren(...all.flatMap((mark) => {
      // Dark below light: seen on every ground.
      const under = outline(mark);
      under.setAttribute("class", "under");
      if (!mark.label) return [under, outline(mark)];
      const [x, y] = toScreen(mark.points[0]);
      const words = node("text", { x: x + 6, y: y - 6 });
      words.textContent = mark.label;
      return [under, outline(mark), words];
    }));
  }

  const inside = (event) => toShare(event.clientX, event.clientY).map((share) => Math.min(1, Math.max(0, share)));
  const large = (points) => {
    const screen = points.map(toScreen);
    return [0, 1].some((axis) => {
      const along = screen.map((point) => point[axis]);
      return Math.max(...along) - Math.min(...along) >= LEAST;
    });
  };

  const far = (point) => {
    const [[x1, y1], [x2, y2]] = [point, drawing[drawing.length - 1]].map(toScreen);
    return Math.hypot(x1 - x2, y1 - y2) >= LEAST;
  };

  function finished() {
    const points = drawing;
    drawing = null;
    if (!points || (tool.shape !== "point" && !large(points))) return draw();
    if (tool.shape === "box") {
      const [[x1, y1], [x2, y2]] = points;
      tool.done([[Math.min(x1, x2), Math.min(y1, y2)], [Math.max(x1, x2), Math.max(y1, y2)]]);
    } else if (tool.shape !== "region" || points.length > 2) tool.done(points);
    draw();
  }

  const marks = {
    draw,
    drawing: () => tool !== null,
    show(list) {
      shown = list || [];
      draw();
    },
    begin(shape, done) {
      tool = { shape, done };
      stage.classList.add("marking");
    },
    end() {
      tool = null;
      drawing = null;
      stage.classList.remove("marking");
      draw();
    },
    /* Pointer events that the viewer passes on while something is drawn. */
    down(event) {
      const point = inside(event);
      drawing = tool.shape === "box" ? [point, point] : [point];
      draw();
    },
    move(event) {
      if (!drawing) return;
      const point = inside(event);
      if (tool.shape === "point") drawing = [point];
      else if (tool.shape === "box") drawing = [drawing[0], point];
      else if (drawing.length < 500 && far(point)) drawing.push(point);
      draw();
    },
    up: finished,
  };
  return marks;
};
