/* What a viewer moves about: an image, or a canvas that shows true values of 16 bits through a window.

     const surface = leaml.surface(shown);      // shown: {src} or {src, values, greys, width, height}
     await surface.ready;
     surface.paint(tone, scale, hurried);       // scale: screen pixels per picture pixel
     surface.part(x, y, width, height, tone)    // a piece for the magnifier: [source, x, y, width, height] */

window.leaml = window.leaml || {};

leaml.surface = (shown) => (shown.values ? leaml.greySurface(shown) : leaml.imageSurface(shown));

/* Filters of the browser, one for each viewer: a straight line from what is stored to what is shown. */
leaml.lineFilter = (() => {
  let made = 0;
  return function (host) {
    const SVG = "http://www.w3.org/2000/svg";
    const id = `leaml-tone-${(made += 1)}`;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", "viewer-filter");
    const filter = svg.appendChild(document.createElementNS(SVG, "filter"));
    const size = { id, "color-interpolation-filters": "sRGB", x: "0", y: "0", width: "100%", height: "100%" };
    for (const [name, value] of Object.entries(size)) filter.setAttribute(name, value);
    const transfer = filter.appendChild(document.createElementNS(SVG, "feComponentTransfer"));
    const lines = ["R", "G", "B"].map((letter) => transfer.appendChild(document.createElementNS(SVG, `feFunc${letter}`)));
    lines.forEach((line) => line.setAttribute("type", "linear"));
    host.append(svg);
    return {
      style: `url(#${id})`,
      set({ slope, intercept }) {
        for (const line of lines) {
          line.setAttribute("slope", slope);
          line.setAttribute("intercept", intercept);
        }
      },
    };
  };
})();

leaml.imageSurface = function (shown) {
  const node = new Image();
  node.draggable = false;
  node.src = shown.src;
  const surface = {
    shown,
    node,
    ready: node.decode().then(() => Object.assign(surface, { width: node.naturalWidth, height: node.naturalHeight })),
    paint(tone, scale, hurried, filter) {
      if (!tone.neutral()) filter.set(tone.filterLine());
      const wanted = tone.neutral() ? "" : filter.style;
      if (node.style.filter !== wanted) node.style.filter = wanted;
    },
    part: (x, y, width, height) => [node, x, y, width, height],
    value: () => null,
  };
  return surface;
};

leaml.greySurface = function (shown) {
  const MOST_HURRIED = 1_500_000; // pixels that are windowed anew while a window is dragged
  const { width, height } = shown;
  const node = document.createElement("canvas");
  node.style.width = `${width}px`;
  node.style.height = `${height}px`;
  const context = node.getContext("2d", { alpha: false });
  const small = document.createElement("canvas");
  let levels = []; // [{numbers, width, height}], each half of the one before
  let painted = "";

  /* Means of 2 × 2: what is shown small is not a choice of pixels. */
  function halved({ numbers, width, height }) {
    const [across, down] = [Math.max(1, width >> 1), Math.max(1, height >> 1)];
    const half = new Uint16Array(across * down);
    const right = width > 1 ? 1 : 0;
    const below = height > 1 ? width : 0;
    for (let y = 0; y < down; y += 1)
      for (let x = 0, from = 2 * y * width; x < across; x += 1, from += 2)
        half[y * across + x] =
          (numbers[from] + numbers[from + right] + numbers[from + below] + numbers[from + below + right] + 2) >> 2;
    return { numbers: half, width: across, height: down };
  }

  function level(wanted) {
    while (levels.length <= wanted) levels.push(halved(levels[levels.length - 1]));
    return levels[wanted];
  }

  function coloured(numbers, table, image) {
    const colours = new Uint32Array(image.data.buffer);
    for (let place = 0; place < numbers.length; place += 1) colours[place] = table[numbers[place]];
    return image;
  }

  const surface = {
    shown,
    node,
    width,
    height,
    ready: fetch(shown.values)
      .then((answer) => (answer.ok ? answer.arrayBuffer() : Promise.reject(new Error(answer.statusText))))
      .then((data) => {
        levels = [{ numbers: new Uint16Array(data), width, height }];
        if (levels[0].numbers.length !== width * height) throw new Error("another size");
      }),
    paint(tone, scale, hurried) {
      let wanted = Math.max(0, Math.floor(Math.log2(1 / scale) + 0.01));
      while (hurried && (width * height) >> (2 * wanted) > MOST_HURRIED) wanted += 1;
      wanted = Math.min(wanted, Math.floor(Math.log2(Math.max(1, Math.min(width, height)))));
      const line = tone.line();
      const key = `${wanted} ${line.slope} ${line.intercept}`;
      if (key === painted) return;
      const shownLevel = level(wanted);
      if (node.width !== shownLevel.width || node.height !== shownLevel.height)
        Object.assign(node, { width: shownLevel.width, height: shownLevel.height });
      const image = context.createImageData(shownLevel.width, shownLevel.height);
      context.putImageData(coloured(shownLevel.numbers, tone.table(), image), 0, 0);
      painted = key;
    },
    part(x, y, wide, high, tone) {
      const [left, top] = [Math.max(0, Math.floor(x)), Math.max(0, Math.floor(y))];
      const right = Math.min(width, Math.ceil(x + wide));
      const bottom = Math.min(height, Math.ceil(y + high));
      const [across, down] = [Math.max(1, right - left), Math.max(1, bottom - top)];
      const numbers = new Uint16Array(across * down);
      for (let row = 0; row < down; row += 1) {
        const from = (top + row) * width + left;
        numbers.set(levels[0].numbers.subarray(from, from + across), row * across);
      }
      Object.assign(small, { width: across, height: down });
      const inside = small.getContext("2d");
      inside.putImageData(coloured(numbers, tone.table(), inside.createImageData(across, down)), 0, 0);
      return [small, x - left, y - top, wide, high];
    },
    /* The true value at a pixel, or null outside. */
    value(x, y) {
      if (!levels.length || x < 0 || y < 0 || x >= width || y >= height) return null;
      return shown.greys.offset + shown.greys.slope * levels[0].numbers[Math.floor(y) * width + Math.floor(x)];
    },
  };
  return surface;
};
