/* The magnifier: a round piece of the picture under the pointer, three times as large as it is shown. */

window.leaml = window.leaml || {};

leaml.lens = function (stage, canvas) {
  const SIDE = 220; // CSS pixels
  const TIMES = 3;
  const context = canvas.getContext("2d");
  let on = false;
  let pointer = null;

  return {
    on: () => on,
    turn() {
      on = !on;
      canvas.hidden = true;
    },
    at(clientX, clientY) {
      pointer = [clientX, clientY];
    },
    leave() {
      pointer = null;
      canvas.hidden = true;
    },
    draw(surface, tone, view, toShare) {
      if (!on || !pointer) return;
      const sharp = window.devicePixelRatio || 1;
      if (canvas.width !== SIDE * sharp) Object.assign(canvas, { width: SIDE * sharp, height: SIDE * sharp });
      const [x, y] = toShare(...pointer);
      const scale = view.scale * TIMES;
      const side = SIDE / scale;
      const [left, top] = [x * surface.width - side / 2, y * surface.height - side / 2];
      const [source, fromX, fromY, wide, high] = surface.part(left, top, side, side, tone);
      context.resetTransform();
      context.fillStyle = "#0c0c0d";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.translate(canvas.width / 2, canvas.height / 2);
      context.scale(view.flips[0], view.flips[1]);
      context.rotate((view.turns * Math.PI) / 2);
      context.drawImage(source, fromX, fromY, wide, high, -canvas.width / 2, -canvas.height / 2, canvas.width, canvas.height);
      canvas.style.filter = surface.node.style.filter;
      const box = stage.getBoundingClientRect();
      canvas.style.left = `${pointer[0] - box.left - SIDE / 2}px`;
      canvas.style.top = `${pointer[1] - box.top - SIDE / 2}px`;
      canvas.hidden = false;
    },
  };
};
