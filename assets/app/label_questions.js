/* Questions of the Label screen: one of one's own on a picture, and the list of those that every picture is asked. */

window.leaml = window.leaml || {};

leaml.offered = (typed) => [...new Set(typed.split(";").map((choice) => choice.trim()).filter(Boolean))];

/* The button and the form for a question of one's own. parts: what label.js lends. */
leaml.ownQuestion = function (value, drafted, parts, say) {
  const { make, button } = leaml;
  const { words } = value;
  const { adding } = drafted;
  if (!adding)
    return button(words.own, "", () => {
      drafted.adding = { question: "", type: value.types[0].key, choices: "", again: false };
      parts.keep();
      parts.draw();
      document.querySelector("[data-part=own-question]").focus();
    }, { class: "card-quiet", "data-part": "own" });

  function add() {
    const text = adding.question.trim().replace(/\s+/g, " ");
    say(!text ? words.no_question : parts.taken(text) ? words.asked_already : null);
    if (!text || parts.taken(text)) return parts.draw();
    drafted.adding = null;
    const row = { question: text, type: adding.type, choices: leaml.offered(adding.choices) };
    if (adding.again) parts.again(row);
    else parts.added({ ...row, own: true });
  }
  const typed = (name, more) => ({
    value: adding[name],
    "data-part": `own-${name}`,
    oninput: (event) => {
      adding[name] = event.target.value;
      parts.keep();
    },
    ...more,
  });
  const enter = { onkeydown: (event) => event.key === "Enter" && !event.ctrlKey && add() };
  const field = (name, label) => make("label", {}, label, make("input", typed(name, { type: "text", maxlength: 2000, ...enter })));
  const types = make("select", {
    "data-part": "own-type",
    onchange: (event) => {
      adding.type = event.target.value;
      parts.keep();
      parts.draw();
    },
  }, value.types.map((type) => make("option", { value: type.key, selected: type.key === adding.type }, type.name)));
  const again = make("input", {
    type: "checkbox", checked: adding.again, "data-part": "own-again",
    onchange: (event) => {
      adding.again = event.target.checked;
      parts.keep();
    },
  });
  return make("div", { class: "label-own" },
    field("question", words.own_question),
    make("label", {}, words.own_type, types),
    parts.kind(adding).offers ? field("choices", words.own_choices) : null,
    make("label", { class: "label-again" }, again, words.again),
    make("div", { class: "card-buttons" },
      button(words.add, "", add, { class: "card-second", "data-part": "own-add" }),
      button(words.leave, "", () => {
        drafted.adding = null;
        say(null);
        parts.keep();
        parts.draw();
      }, { class: "card-quiet" })));
};

/* The list of usual questions, to be changed. value.templates: [{id, question, type, choices, note}]. */
leaml.questionList = function (card, value, save, leave) {
  const { make, button } = leaml;
  const { words } = value;
  const rows = value.templates.map((row) => ({ ...row, choices: row.choices.join("; ") }));
  const offers = (row) => value.types.find((type) => type.key === row.type).offers;

  function move(place, by) {
    const [row] = rows.splice(place, 1);
    rows.splice(Math.min(rows.length, Math.max(0, place + by)), 0, row);
    draw();
  }

  function drawRow(row, place) {
    const typed = (name, label) => make("input", {
      type: "text", value: row[name], maxlength: 2000, "aria-label": label, placeholder: label, "data-part": `question-${name}`,
      oninput: (event) => (row[name] = event.target.value),
    });
    const types = make("select", {
      "aria-label": words.own_type,
      onchange: (event) => {
        row.type = event.target.value;
        draw();
      },
    }, value.types.map((type) => make("option", { value: type.key, selected: type.key === row.type }, type.name)));
    const small = (text, act) => button(text, "", act, { class: "card-quiet", "aria-label": `${text} (${place + 1})` });
    return make("li", { class: "label-template" },
      typed("question", words.own_question),
      offers(row) ? typed("choices", words.own_choices) : null,
      make("div", { class: "label-template-more" }, types,
        make("span", { class: "quiet" }, row.note || ""),
        small(words.up, () => move(place, -1)),
        small(words.down, () => move(place, 1)),
        small(words.remove, () => {
          rows.splice(place, 1);
          draw();
        })));
  }

  function add(preset) {
    rows.push({ id: null, question: preset.question, type: preset.type, choices: preset.choices.join("; "), note: "" });
    draw();
    const fields = card.querySelectorAll("[data-part=question-question]");
    fields[fields.length - 1].focus();
    fields[fields.length - 1].select();
  }

  function draw() {
    const presets = value.presets.map((preset) => {
      const type = value.types.find((known) => known.key === preset.type);
      return button(`+ ${type.name}`, "", () => add(preset), { "data-preset": preset.type });
    });
    const list = make("ol", { class: "label-rows label-templates" }, rows.map(drawRow));
    const choices = (row) => (offers(row) || row.type === "yes/no" ? leaml.offered(row.choices) : []);
    const wanted = () => rows.map(({ id, question, type }, place) => ({ id, question, type, choices: choices(rows[place]) }));
    card.replaceChildren(
      make("h2", {}, words.questions_title),
      rows.length ? list : make("p", {}, words.questions_none),
      make("div", { class: "label-choices", role: "group", "aria-label": words.questions_add }, presets),
      make("div", { class: "card-buttons" },
        button(words.questions_keep, "", () => save(wanted()), { class: "card-primary", "data-part": "keep" }),
        button(words.leave, "", leave, { class: "card-quiet" })));
  }
  draw();
};
