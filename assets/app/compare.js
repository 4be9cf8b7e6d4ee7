/* The parts of the Compare screen: asking, answers, the table, and the questions of a comparison.
   Their values come from app/asking.py and app/results.py. */

window.leaml = window.leaml || {};

/* Which picture, which question, of whom. */
leaml.asking = function (element, props, watch, trigger) {
  const { make, button } = leaml;
  const pick = leaml.requests("picking", trigger);
  const ask = leaml.requests("asking", trigger, "input", 300000);
  const stop = leaml.requests("stopping", trigger, "stop");
  let value = {};
  let typed = "";
  let adapter = null;

  const keptName = () => `compare.${value.project}.question`;
  const move = (act, more) => value.picture && pick({ act, pool: value.pool, picture: value.picture.id, ...more });
  const by = (places) => () => move("move", { by: places });
  const any = () => move("any");

  function write(text) {
    typed = text;
    leaml.kept.set(keptName(), text || null);
  }

  function send() {
    if (!typed.trim()) return element.querySelector("[data-part=question]").focus();
    if (ask({ picture: value.picture.id, question: typed, adapter })) waits();
  }

  /* Shown until the answer, or the reason why there is none, has come. */
  function waits() {
    const busy = Boolean(leaml.pending.asking);
    const asker = element.querySelector("[data-part=ask]");
    const stopper = element.querySelector("[data-part=stop]");
    if (!asker) return;
    asker.disabled = busy;
    stopper.disabled = !busy;
    if (busy) setTimeout(waits, 200);
  }

  function drawPicture() {
    const { words, picture } = value;
    const place = make("input", {
      type: "text", inputmode: "numeric", value: String(picture.place), "data-part": "place", "aria-label": words.place,
      onchange: (event) => move("move", { place: Number.parseInt(event.target.value, 10) || 1 }),
    });
    const pools = make("select", { "data-part": "pool", onchange: (event) => move("pool", { pool: event.target.value }) },
      value.pools.map((pool) => make("option", { value: pool.key, selected: pool.key === value.pool }, pool.name)));
    return make("div", { class: "card-buttons asking-picture" },
      make("label", { class: "label-pool quiet" }, words.pool, pools),
      make("span", { class: "asking-place" }, place, make("span", { class: "quiet" }, `${words.of} ${picture.of}`)),
      button(words.before, "←", by(-1), { class: "card-quiet" }),
      button(words.after, "→", by(1), { class: "card-quiet" }),
      button(words.random, "", any, { class: "card-quiet", "data-part": "any" }));
  }

  function drawQuestion() {
    const { words } = value;
    const known = make("datalist", { id: "compare-known" }, value.questions.map((text) => make("option", { value: text })));
    const field = make("input", {
      type: "text", value: typed, list: "compare-known", maxlength: 2000, "data-part": "question", placeholder: words.question,
      "aria-label": words.question, autocomplete: "off",
      oninput: (event) => write(event.target.value),
      onkeydown: (event) => event.key === "Enter" && send(),
    });
    const models = value.adapters.length > 1 && make("label", { class: "label-pool quiet" }, words.adapter,
      make("select", { "data-part": "adapter", onchange: (event) => (adapter = Number(event.target.value)) },
        value.adapters.map((one) => make("option", { value: String(one.id), selected: one.id === adapter }, one.name))));
    return [
      make("div", { class: "asking-question" }, field, known,
        button(words.ask, "↵", send, { class: "card-primary", "data-part": "ask" }),
        button(words.stop, "", () => stop({}), { "data-part": "stop", disabled: true })),
      models,
    ];
  }

  function draw() {
    const state = value.empty ? "empty" : value.picture ? "form" : "waits";
    const part = element.contains(document.activeElement) && document.activeElement.dataset.part;
    const card = make("section", { class: "card drawn", "data-state": state });
    if (value.empty) card.append(...leaml.emptyState(value.empty));
    else if (value.picture) {
      card.append(drawPicture(), ...drawQuestion().filter(Boolean));
      if (value.note) card.append(make("p", { class: "quiet" }, value.note));
    }
    element.replaceChildren(card);
    const again = part && element.querySelector(`[data-part=${part}]`);
    if (again) again.focus();
    waits();
  }

  function show() {
    const given = props.value || {};
    if (given.again)
      return leaml.project() && value.picture ? pick({ act: "open", pool: value.pool, picture: value.picture.id }) : null;
    value = given;
    if (value.picture) {
      typed = value.ask || typed || leaml.kept.get(keptName()) || value.questions[0] || "";
      if (!value.adapters.some((one) => one.id === adapter)) adapter = value.adapters.length ? value.adapters[0].id : null;
    }
    draw();
  }

  leaml.onKeys(element, { ArrowLeft: by(-1), ArrowRight: by(1), "Ctrl+Enter": send }, ["Ctrl+Enter"]);
  watch("value", show);
  show();
};

/* What base and adapted model answer, side by side, while it is written and after. */
leaml.answers = function (element, props, watch) {
  const { make } = leaml;

  function drawSide(side, words) {
    return make("div", { class: "answer" },
      make("h3", {}, side.name),
      make("p", { class: "answer-text" }, side.text || side.message || ""),
      make("p", { class: "quiet", title: words.help }, side.sure || ""),
      side.mark ? make("p", { class: side.right ? "good" : "bad" }, side.mark) : null);
  }

  function show() {
    const value = props.value || {};
    if (!value.sides) {
      const hint = value.hint && make("section", { class: "card drawn" }, make("p", { class: "quiet" }, value.hint));
      return element.replaceChildren(...[hint].filter(Boolean));
    }
    const { words } = value;
    const known = value.label ? `${words.known}: ${value.label}` : "";
    element.replaceChildren(make("section", { class: "card drawn", "aria-live": "polite" },
      make("p", { class: "answer-question" }, value.question),
      make("div", { class: "answer-sides" }, value.sides.map((side) => drawSide(side, words))),
      make("footer", {}, known ? make("p", {}, known) : null,
        make("p", { class: "quiet" }, [value.note, words.medical].filter(Boolean).join(" ")))));
  }
  watch("value", show);
  show();
};

/* How often each model is right, with its interval. */
leaml.comparison = function (element, props, watch) {
  const { make } = leaml;

  /* Low end, value and high end in percent, on a scale from 0 to 100. */
  function drawBar(bar) {
    if (!bar) return null;
    const [low, middle, high] = bar;
    return make("span", { class: "interval", "aria-hidden": "true" },
      make("i", { class: "interval-range", style: `left:${low}%;width:${high - low}%` }),
      make("i", { class: "interval-value", style: `left:${middle}%` }));
  }

  function drawSet(set, words) {
    const heads = [words.model, words.right, "", words.base, words.blind];
    const rows = set.rows.map((row) =>
      make("tr", {},
        make("th", { scope: "row", title: row.help || null }, row.name, row.help ? make("small", {}, row.help) : null),
        make("td", {}, row.right), make("td", { class: "interval-cell" }, drawBar(row.bar)),
        make("td", {}, row.base), make("td", {}, row.blind)));
    const types = make("details", {}, make("summary", {}, words.types),
      make("table", {},
        make("thead", {}, make("tr", {}, [words.type, ...set.rows.map((row) => row.name)].map((name) =>
          make("th", { scope: "col" }, name)))),
        make("tbody", {}, set.types.map((type) =>
          make("tr", {}, make("th", { scope: "row" }, `${type.name} (${type.n})`),
            type.cells.map((cell) => make("td", {}, cell)))))));
    return [
      make("h3", {}, set.title),
      make("table", {}, make("thead", {}, make("tr", {}, heads.map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, rows)),
      types,
    ];
  }

  function show() {
    const value = props.value || {};
    if (!value.sets) return element.replaceChildren();
    element.replaceChildren(make("section", { class: "card drawn comparison" },
      value.newer ? make("p", { class: "card-alert" }, value.newer) : null,
      value.sets.map((set) => drawSet(set, value.words)),
      make("p", { class: "quiet" }, value.intervals)));
  }
  watch("value", show);
  show();
};

/* The questions of a comparison, a page at a time; one can be opened beside its picture. */
leaml.items = function (element, props, watch, trigger) {
  const { make, button } = leaml;
  const ask = leaml.requests("items", trigger);
  let value = {};
  const send = (more) => ask({ act: "list", filter: value.filter, page: value.page, adapter: value.adapter, ...more });

  function drawRow(row) {
    return make("li", {},
      make("button", {
        type: "button", class: "item", title: value.words.open,
        onclick: () => {
          if (send({ act: "open", pair: row.pair })) document.getElementById("compare-viewer").scrollIntoView({ block: "center" });
        },
      },
      make("img", { src: row.thumb, alt: "", loading: "lazy" }),
      make("span", { class: "item-words" },
        make("span", { class: "item-question" }, row.question),
        make("span", { class: "quiet" }, `${value.words.label}: ${row.label}`),
        row.answers.map((answer, place) =>
          make("span", { class: "item-answer" },
            make("span", { class: answer.right ? "good" : "bad" }, answer.mark), ` ${value.sides[place]}: ${answer.text}`)))));
  }

  function drawModels() {
    if (value.adapters.length < 2) return null;
    return make("label", { class: "label-pool quiet" },
      make("select", { onchange: (event) => send({ adapter: Number(event.target.value), page: 0 }) },
        value.adapters.map((one) =>
          make("option", { value: String(one.id), selected: one.id === value.adapter }, one.name))));
  }

  function show() {
    value = props.value || {};
    if (!value.filters) return element.replaceChildren();
    const { words } = value;
    const filters = value.filters.map((filter) =>
      button(filter.name, "", () => send({ filter: filter.key, page: 0 }), {
        "aria-pressed": String(filter.key === value.filter), "data-part": `filter-${filter.key}`,
      }));
    const pages = value.pages > 1 && make("div", { class: "card-buttons" },
      button(words.before, "", () => send({ page: value.page - 1 }), { class: "card-quiet", disabled: value.page === 0 }),
      make("span", { class: "quiet" }, `${words.page} ${value.page + 1} ${words.of} ${value.pages}`),
      button(words.after, "", () => send({ page: value.page + 1 }), {
        class: "card-quiet", disabled: value.page === value.pages - 1,
      }));
    const rows = value.rows.length ? make("ul", { class: "items" }, value.rows.map(drawRow)) : make("p", {}, words.none);
    element.replaceChildren(make("section", { class: "card drawn" },
      make("div", { class: "card-buttons" }, filters, drawModels()),
      make("p", { class: "quiet" }, value.help), rows, pages));
  }
  watch("value", show);
  show();
};
