/* The form of the Label screen: the questions on one picture, one of them open, answered by digits or by clicks.
   What is typed is kept in this browser until it is saved. The value comes from app/screens/label.py, `shown`. */

window.leaml = window.leaml || {};

leaml.label = function (element, props, watch, trigger) {
  const { make, button } = leaml;
  const SEPARATOR = "; ";
  const MOST_SHOWN_NUMBERS = 6;
  const ask = leaml.requests("label", trigger);
  const clock = leaml.clock();
  let value = {};
  let drafted = {}; // {answers: {question: answer}, own: [row], adding: row or null}
  let open = 0;
  let message = null;

  const draftName = (picture) => `label.${value.project}.${picture}`;
  const lastName = () => `label.${value.project}.last`;
  const rows = () => (value.picture ? [...value.questions, ...drafted.own] : []);
  const kind = (row) => value.types.find((type) => type.key === row.type) || { control: "text", choices: [] };
  const choices = (row) => (row.choices && row.choices.length ? row.choices : kind(row).choices);
  const control = (row) => {
    const wanted = kind(row).control;
    return (wanted === "one" || wanted === "several") && !choices(row).length ? "text" : wanted;
  };
  const answer = (row) => drafted.answers[row.question] ?? row.answer ?? "";
  const changed = () => rows().filter((row) => answer(row).trim() && answer(row) !== (row.answer ?? ""));

  function keep() {
    const empty = !Object.keys(drafted.answers).length && !drafted.own.length && !drafted.adding;
    leaml.kept.set(draftName(value.picture.id), empty ? null : drafted);
    leaml.kept.set(lastName(), empty ? null : { picture: value.picture.id, pool: value.pool });
  }

  // Answering -------------------------------------------------------------------------------------------------------

  function give(row, text, goOn) {
    drafted.answers[row.question] = text;
    message = null;
    keep();
    if (goOn) {
      const all = rows();
      const next = all.findIndex((other, place) => place > open && !answer(other));
      if (next >= 0) open = next;
    }
    draw(goOn);
  }

  function choose(row, choice) {
    if (control(row) === "one") return give(row, choice, true);
    const others = answer(row).split(SEPARATOR).filter((member) => member && member !== choice);
    const alone = (member) => member.toLowerCase() === "none";
    const on = !answer(row).split(SEPARATOR).includes(choice);
    const kept = on && alone(choice) ? [] : others.filter((member) => !on || !alone(member));
    const chosen = choices(row).filter((member) => kept.includes(member) || (on && member === choice));
    give(row, chosen.join(SEPARATOR), on && alone(choice));
  }

  function digit(number) {
    const row = rows()[open];
    if (!row) return false;
    if (control(row) === "number") return give(row, String(number), true);
    const choice = control(row) === "text" ? undefined : choices(row)[number - 1];
    if (choice === undefined) return false;
    choose(row, choice);
  }

  function goTo(place) {
    if (!rows().length) return;
    open = Math.min(Math.max(place, 0), rows().length - 1);
    draw(true);
  }

  // Sending ---------------------------------------------------------------------------------------------------------

  function send(act, more = {}) {
    if (!value.picture && act !== "pool" && act !== "undo") return;
    ask({ act, pool: value.pool, picture: value.picture && value.picture.id, ...more });
  }

  function save() {
    const given = changed();
    if (!value.picture) return;
    if (drafted.adding && drafted.adding.question.trim()) message = value.words.not_added;
    else if (!given.length) message = value.words.nothing;
    else {
      const answers = given.map((row) => ({
        question: row.question, type: row.type, choices: choices(row), answer: answer(row),
      }));
      return send("save", { answers, seconds: clock.seconds() });
    }
    draw();
  }

  // Own questions ---------------------------------------------------------------------------------------------------

  function add() {
    const { question, type, choices: typed } = drafted.adding;
    const text = question.trim().replace(/\s+/g, " ");
    if (!text) message = value.words.no_question;
    else if (rows().some((row) => row.question.toLowerCase() === text.toLowerCase())) message = value.words.asked_already;
    else {
      const offered = typed.split(";").map((choice) => choice.trim()).filter(Boolean);
      drafted.own.push({ question: text, type, choices: [...new Set(offered)], own: true });
      drafted.adding = null;
      message = null;
      open = rows().length - 1;
    }
    keep();
    draw(true);
  }

  function drawAdding() {
    const { adding } = drafted;
    if (!adding)
      return button(value.words.own, "", () => {
        drafted.adding = { question: "", type: value.types[0].key, choices: "" };
        draw();
        element.querySelector("[data-part=own-question]").focus();
      }, { class: "card-quiet", "data-part": "own" });
    const field = (name, label) =>
      make("label", {}, label, make("input", {
        type: "text", value: adding[name], "data-part": `own-${name}`, maxlength: 2000,
        oninput: (event) => {
          adding[name] = event.target.value;
          keep();
        },
        onkeydown: (event) => event.key === "Enter" && !event.ctrlKey && add(),
      }));
    const types = make("select", {
      "data-part": "own-type",
      onchange: (event) => {
        adding.type = event.target.value;
        keep();
        draw();
      },
    }, value.types.map((type) => make("option", { value: type.key, selected: type.key === adding.type }, type.name)));
    return make("div", { class: "label-own" },
      field("question", value.words.own_question),
      make("label", {}, value.words.own_type, types),
      kind(adding).offers ? field("choices", value.words.own_choices) : null,
      make("div", { class: "card-buttons" },
        button(value.words.add, "", add, { class: "card-second" }),
        button(value.words.leave, "", () => {
          drafted.adding = null;
          message = null;
          keep();
          draw();
        }, { class: "card-quiet" })));
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  function drawControl(row) {
    const given = answer(row);
    const type = (text) => {
      drafted.answers[row.question] = text;
      keep();
    };
    if (control(row) === "text" || control(row) === "number") {
      const numbers = control(row) === "number";
      const field = make("input", {
        type: "text", value: given, inputmode: numbers ? "numeric" : null, maxlength: 2000, "data-part": "answer",
        "aria-label": row.question, placeholder: numbers ? value.words.number : value.words.answer,
        oninput: (event) => type(event.target.value),
        onkeydown: (event) => event.key === "Enter" && !event.ctrlKey && give(row, event.target.value, true),
      });
      if (!numbers) return field;
      const offered = Array.from({ length: MOST_SHOWN_NUMBERS }, (_, number) => String(number));
      return make("div", { class: "label-choices" }, offered.map((number) =>
        button(number, "", () => give(row, number, true), {
          class: "label-number", "aria-pressed": String(given === number),
        })), field);
    }
    const chosen = control(row) === "one" ? [given] : given.split(SEPARATOR);
    const grid = row.type === "location" && choices(row).length === 9;
    return make("div", { class: grid ? "label-choices label-grid" : "label-choices" },
      choices(row).map((choice, place) =>
        button(choice, place < 9 ? String(place + 1) : "", () => choose(row, choice), {
          "aria-pressed": String(chosen.includes(choice)),
        })));
  }

  function drawRow(row, place) {
    if (place !== open)
      return make("li", {},
        button(row.question, "", () => goTo(place), { class: "label-row", title: row.question }),
        make("span", { class: answer(row) ? "label-given" : "label-given quiet" }, answer(row) || "–"));
    return make("li", { class: "label-open" },
      make("p", { class: "label-question" }, row.question),
      row.by ? make("p", { class: "quiet" }, row.by) : null,
      control(row) === "several" ? make("p", { class: "quiet" }, value.words.several) : null,
      drawControl(row));
  }

  function drawPools() {
    return make("label", { class: "label-pool quiet" }, value.words.pool,
      make("select", { "data-part": "pool", onchange: (event) => send("pool", { pool: event.target.value }) },
        value.pools.map((pool) => make("option", { value: pool.key, selected: pool.key === value.pool }, pool.name))));
  }

  function drawForm() {
    return [
      make("header", {}, make("span", { class: "label-place" }, value.picture.place), drawPools()),
      value.blind ? make("p", { class: "quiet" }, value.blind) : null,
      make("ol", { class: "label-rows" }, rows().map(drawRow)),
      drawAdding(),
      make("p", { class: "card-alert", role: "alert" }, message || value.error || ""),
      make("div", { class: "card-buttons" },
        button(value.words.save, "Ctrl ↵", save, { class: "card-primary", "data-part": "save" }),
        button(value.words.skip, "S", () => send("skip"), { "data-part": "skip" })),
      make("div", { class: "card-buttons" },
        button(value.words.before, "←", () => send("move", { by: -1 }), { class: "card-quiet" }),
        button(value.words.after, "→", () => send("move", { by: 1 }), { class: "card-quiet" }),
        button(value.words.undo, "U", () => send("undo"), { class: "card-quiet", "data-part": "undo" })),
      make("footer", {}, make("p", { class: "card-standing" }, value.standing),
        make("p", { role: "status", class: "card-said" }, value.said || "")),
    ];
  }

  function draw(focusAnswer) {
    const part = element.contains(document.activeElement) && document.activeElement.dataset.part;
    const state = value.empty ? "empty" : value.picture ? "form" : "waits";
    const scrolled = element.querySelector(".label-rows");
    const at = scrolled ? scrolled.scrollTop : 0;
    const card = make("section", { class: "card drawn", "data-state": state });
    if (value.empty) card.append(...leaml.emptyState(value.empty, value.pools ? drawPools() : null));
    else if (value.picture) card.append(...drawForm().filter(Boolean));
    element.replaceChildren(card);
    const list = element.querySelector(".label-rows");
    if (list) list.scrollTop = at;
    const opened = element.querySelector(".label-open");
    if (opened && list) leaml.bringIntoView(list, opened);
    const writes = focusAnswer && opened && control(rows()[open]) === "text";
    const wanted = writes ? opened.querySelector("input") : null;
    const again = part && part !== "answer" ? element.querySelector(`[data-part=${part}]`) : null;
    (wanted || again || { focus() {} }).focus();
  }

  function show() {
    const before = value.picture && value.picture.id;
    const given = props.value || {};
    // The tab was opened again: what stands here is brought up to date, and stays.
    if (given.again) return leaml.project() ? ask({ act: "open", pool: value.pool || "train", picture: before || null }) : null;
    value = given;
    message = null;
    if (value.saved) [draftName(value.saved), lastName()].forEach((name) => leaml.kept.set(name, null));
    if (value.picture) {
      const draft = value.draft || leaml.kept.get(draftName(value.picture.id));
      drafted = { answers: {}, own: [], adding: null, ...draft };
      if (value.draft) keep();
      if (before !== value.picture.id) {
        clock.start();
        open = Math.max(0, rows().findIndex((row) => !answer(row)));
      }
      const last = value.fresh && leaml.kept.get(lastName());
      if (last && last.picture !== value.picture.id) send("open", last);
    }
    draw();
  }

  const arrows = { ArrowUp: () => goTo(open - 1), ArrowDown: () => goTo(open + 1) };
  const digits = Object.fromEntries([..."0123456789"].map((key) => [key, () => digit(Number(key))]));
  leaml.onKeys(element, {
    ...arrows,
    ...digits,
    ArrowLeft: () => send("move", { by: -1 }),
    ArrowRight: () => send("move", { by: 1 }),
    s: () => send("skip"),
    u: () => send("undo"),
    "Ctrl+z": () => send("undo"),
    "Ctrl+Enter": save,
    Escape: () => document.activeElement.blur(),
  }, ["Ctrl+Enter", "ArrowUp", "ArrowDown", "Escape"]);
  watch("value", show);
  show();
};
