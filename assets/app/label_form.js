/* How the form of the Label screen looks: the questions, the open one with its choices and tools, and what can be done.

     leaml.labelForm(value, sheet, state, acts)      // elements
     state: {open, mode, shape, message}             acts: what buttons do, see label.js */

window.leaml = window.leaml || {};

leaml.SHAPES = [["point", "P"], ["box", "B"], ["region", "G"]];

leaml.labelForm = function (value, sheet, state, acts) {
  const { make, button } = leaml;
  const { words } = value;
  const MOST_SHOWN_NUMBERS = 6;

  function drawTyped(row) {
    const numbers = sheet.control(row) === "number";
    const field = make("input", {
      type: "text", value: sheet.answer(row), inputmode: numbers ? "numeric" : null, maxlength: 2000, "data-part": "answer",
      "aria-label": row.question, placeholder: numbers ? words.number : words.answer,
      oninput: (event) => acts.type(row, event.target.value),
      onkeydown: (event) => event.key === "Enter" && !event.ctrlKey && acts.give(row, event.target.value),
    });
    if (!numbers) return field;
    const offered = Array.from({ length: MOST_SHOWN_NUMBERS }, (_, number) => String(number));
    return make("div", { class: "label-choices" }, offered.map((number) =>
      button(number, "", () => acts.give(row, number), {
        class: "label-number", "aria-pressed": String(sheet.answer(row) === number),
      })), field);
  }

  function drawControl(row) {
    if (["text", "number"].includes(sheet.control(row))) return drawTyped(row);
    const choices = sheet.choices(row);
    const grid = row.type === "location" && choices.length === 9;
    return make("div", { class: grid ? "label-choices label-grid" : "label-choices" },
      choices.map((choice, place) =>
        button(choice, place < 9 ? String(place + 1) : "", () => acts.choose(row, choice), {
          "aria-pressed": String(sheet.chosen(row).includes(choice)),
        })));
  }

  function drawTools(row) {
    const offered = ["text", "number"].includes(sheet.control(row)) ? 99 : sheet.choices(row).length;
    return make("div", { class: "label-tools" },
      button(words.cannot_tell, offered < 9 ? String(offered + 1) : "T", acts.cannotTell, {
        "aria-pressed": String(sheet.untold(row)), "data-part": "untold",
      }),
      make("span", { class: "label-marks", role: "group", "aria-label": words.mark },
        leaml.SHAPES.map(([name, key]) =>
          button(words[name], key, () => acts.mark(name), {
            class: "card-quiet", "aria-pressed": String(state.shape === name), "data-part": name,
          })),
        sheet.marks(row).length ? button(words.unmark, "D", acts.unmark, { class: "card-quiet", "data-part": "unmark" }) : null));
  }

  function given(row) {
    if (sheet.untold(row)) return words.cannot_tell;
    const count = sheet.marks(row).length;
    const marked = count === 1 ? words.marks_one : words.marks.replace("{n}", count);
    return `${sheet.answer(row)}${count ? ` · ${marked}` : ""}` || "–";
  }

  function drawRow(row, place) {
    if (place !== state.open || state.mode === "skip")
      return make("li", {},
        button(row.question, "", () => acts.goTo(place), { class: "label-row", title: row.question }),
        make("span", { class: sheet.told(row) ? "label-given" : "label-given quiet", title: given(row) }, given(row)));
    return make("li", { class: "label-open" },
      make("p", { class: "label-question" }, row.question),
      row.by ? make("p", { class: "quiet" }, row.by) : null,
      sheet.control(row) === "several" ? make("p", { class: "quiet" }, words.several) : null,
      drawControl(row),
      drawTools(row),
      state.shape ? make("p", { class: "quiet" }, words.marking) : null);
  }

  function drawRows() {
    const rows = sheet.rows();
    if (rows.length) return make("ol", { class: "label-rows" }, rows.map(drawRow));
    return make("div", { class: "label-asked" }, make("p", {}, words.none_asked),
      button(words.choose, "", () => acts.send("edit"), { class: "card-primary", "data-part": "choose" }));
  }

  /* Names that may be written into the picture: looked for, and blacked out or found absent. */
  function drawNames() {
    if (state.shape === "blank") return make("span", { class: "quiet" }, words.blank_draw);
    return make("span", { class: "label-names" },
      button(words.blank, "", acts.drawBlank, { class: "card-quiet", "data-part": "blank" }),
      value.burned_in
        ? button(words.no_names, "", () => acts.send("no_names"), { class: "card-quiet", "data-part": "no-names" })
        : null);
  }

  function drawButtons() {
    return [
      make("div", { class: "card-buttons" },
        button(words.save, "Ctrl ↵", acts.save, { class: sheet.rows().length ? "card-primary" : "", "data-part": "save" }),
        button(words.skip, "S", () => acts.skip(), { "data-part": "skip" })),
      value.comment ? make("p", { class: "label-comment" }, value.comment) : null,
      make("div", { class: "card-buttons label-quiet" },
        button(words.before, "←", () => acts.send("move", { by: -1 }), { class: "card-quiet" }),
        button(words.after, "→", () => acts.send("move", { by: 1 }), { class: "card-quiet" }),
        button(words.undo, "U", acts.undo, { class: "card-quiet", "data-part": "undo" }),
        button(value.flagged ? words.flagged : words.flag, "F", acts.flag, {
          class: "card-quiet", "data-part": "flag", "aria-pressed": String(value.flagged),
        }),
        button(words.comment, "C", () => acts.change("comment"), { class: "card-quiet", "data-part": "comment-open" })),
    ];
  }

  function drawActs() {
    if (state.mode === "skip") return [leaml.reasons(value, acts.skip, () => acts.change("skip"))];
    if (state.mode !== "comment") return drawButtons();
    return [leaml.comment(value, sheet.drafted(), acts.keep, acts.comment, () => acts.change("comment"))];
  }

  return [
    make("header", {}, make("span", { class: "label-place", title: value.picture.place }, value.picture.place),
      leaml.labelPools(value, acts.send),
      button(words.questions, "", () => acts.send("edit"), { class: "card-quiet", "data-part": "edit" })),
    value.picture.why
      ? make("p", { class: "quiet label-why" }, make("span", {}, value.picture.why),
          button(value.picture.change, "", () => acts.send(value.picture.other), { class: "card-quiet", "data-part": "order" }))
      : null,
    value.blind ? make("p", { class: "quiet" }, value.blind) : null,
    drawRows(),
    state.mode === "skip" ? null : make("div", { class: sheet.drafted().adding ? "" : "label-more" },
      leaml.ownQuestion(value, sheet.drafted(), acts.own, acts.say), drawNames()),
    ...drawActs(),
    make("p", { class: "card-alert", role: "alert" }, state.message || ""),
    make("footer", {}, make("p", { class: "card-standing" }, value.standing),
      make("p", { role: "status", class: "card-said" }, value.said || "")),
  ].filter(Boolean);
};

/* Which pictures are labelled: those to learn from, or those of a test. */
leaml.labelPools = function (value, send) {
  const { make } = leaml;
  return make("label", { class: "label-pool quiet" }, value.words.pool,
    make("select", { "data-part": "pool", onchange: (event) => send("pool", { pool: event.target.value }) },
      value.pools.map((pool) => make("option", { value: pool.key, selected: pool.key === value.pool }, pool.name))));
};
