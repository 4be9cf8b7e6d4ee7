/* Which value is shown how bright: window, brightness, contrast, light and dark exchanged. Pure; the same for pictures
   of 8 bits, whose values are percents of their range, and for true values of 16 bits (see leaml/store/greys.py).

     const tone = leaml.tone(greys);          // greys: what the 16-bit numbers mean, or null
     tone.window(40, 400); tone.drag(12, -3); tone.line();          // {slope, intercept}: shown = slope × share + intercept */

window.leaml = window.leaml || {};

/* [centre, width] of the windows of Shift+1 to Shift+5. */
leaml.WINDOWS = {
  HU: [[40, 400], [-600, 1500], [90, 150], [480, 2500], [40, 80]],
  percent: [[50, 100], [25, 50], [50, 50], [75, 50], [50, 25]],
};

leaml.tone = function (greys) {
  const hounsfield = greys && greys.unit === "HU";
  // Values of the darkest and the brightest that there can be; of 8 bits, shares of the whole range in percent.
  const least = greys ? greys.least : 0;
  const range = greys ? Math.max(greys.most - greys.least, 1) : 100;
  const first = greys ? [greys.centre, greys.width] : [50, 100];
  const PER_PIXEL = 1 / 300;
  const own = { centre: first[0], width: first[1], brightness: 0, contrast: 0, inverted: false };

  const tone = Object.assign(own, {
    greys,
    presets: hounsfield ? "HU" : "percent",
    reset() {
      Object.assign(own, { centre: first[0], width: first[1], brightness: 0, contrast: 0, inverted: false });
    },
    window(centre, width) {
      Object.assign(own, { centre, width });
    },
    preset(number) {
      const [centre, width] = leaml.WINDOWS[tone.presets][number - 1];
      if (hounsfield || !greys) return tone.window(centre, width);
      tone.window(least + (centre / 100) * range, (width / 100) * range);
    },
    /* Moved by so many pixels: right is wider, down is darker. */
    drag(x, y) {
      own.width = Math.min(4 * range, Math.max(range / 1000, own.width * Math.exp(x * PER_PIXEL)));
      own.centre = Math.min(least + 2 * range, Math.max(least - range, own.centre + y * own.width * PER_PIXEL));
    },
    changed: () =>
      own.centre !== first[0] || own.width !== first[1] || own.brightness !== 0 || own.contrast !== 0,
    neutral: () => !tone.changed() && !own.inverted,

    /* shown (0 to 1) = slope × value + intercept, before it is cut off at both ends. */
    line() {
      // DICOM PS3.3 C.11.2.1.2.1 for true values; percents have no steps that it could count.
      const steep = own.width <= 1 ? 5e-7 : 0; // of width 1, all up to the middle is black
      const [middle, steps] = greys ? [own.centre - 0.5 + steep, Math.max(own.width - 1, 1e-6)] : [own.centre, own.width];
      const steeper = own.contrast < 0 ? 1 + own.contrast / 100 : 1 / (1 - Math.min(own.contrast, 99) / 100);
      let slope = steeper / steps;
      let intercept = 0.5 - slope * middle + own.brightness / 100;
      if (own.inverted !== Boolean(greys && greys.inverted)) [slope, intercept] = [-slope, 1 - intercept];
      return { slope, intercept };
    },
    /* The same for what a filter of the browser calls 0 to 1 in a picture of 8 bits. */
    filterLine() {
      const { slope, intercept } = tone.line();
      return { slope: slope * 100, intercept };
    },
    /* Colour of each of the 65,536 numbers, as a canvas wants it. */
    table() {
      const { slope, intercept } = tone.line();
      const colours = new Uint32Array(65536);
      for (let number = 0; number < 65536; number += 1) {
        const share = slope * (greys.offset + greys.slope * number) + intercept;
        const grey = Math.round(255 * Math.min(1, Math.max(0, share)));
        colours[number] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
      }
      return colours;
    },
    words() {
      if (!greys) return tone.changed() ? `${Math.round(own.centre)} / ${Math.round(own.width)} %` : "";
      return `L ${Math.round(own.centre)} W ${Math.round(own.width)}`;
    },
  });
  return tone;
};
