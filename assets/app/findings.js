/* What a comparison found: the row of its views, the table, and the questions with their answers.
   The values come from app/results.py and app/gallery.py. */

window.leaml = window.leaml || {};

/* The views of a comparison, side by side; which one is open is kept by the browser. The style sheet shows the parts of
   the one that `data-compare` of the body names. */
leaml.views = function (element, props, watch) {
  const { make } = leaml;
  let value = {};
  let current = "";
  const keptName = () => `compare.${value.project}.view`;

  function open(key) {
    current = key;
    leaml.kept.set(keptName(), key);
    draw();
    document.dispatchEvent(new CustomEvent("leaml-view", { detail: leaml.view }));
  }

  function draw() {
    const shown = value.views.find((view) => view.key === current) || value.views[0];
    leaml.view = shown;
    document.body.dataset.compare = shown.area;
    const tabs = value.views.map((view) =>
      make("button", {
        type: "button", role: "tab", "aria-selected": String(view === shown), "data-part": `view-${view.key}`,
        onclick: () => open(view.key),
      }, view.name, view.count === undefined ? null : make("span", { class: "quiet" }, ` ${view.count}`)));
    element.replaceChildren(tabs.length > 1 ? make("div", { class: "drawn views", role: "tablist" }, tabs) : "");
  }

  function show() {
    value = props.value || {};
    if (!value.views) return element.replaceChildren();
    const again = element.contains(document.activeElement);
    current = leaml.kept.get(keptName()) || "";
    draw();
    if (again) element.querySelector("[aria-selected=true]")?.focus();
    document.dispatchEvent(new CustomEvent("leaml-view", { detail: leaml.view }));
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
    const models = set.rows.map((row) => row.name);
    return [
      make("h3", {}, set.title),
      set.note ? make("p", { class: "quiet" }, set.note) : null,
      make("table", {}, make("thead", {}, make("tr", {}, heads.map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, rows)),
      set.parts.map((part) => drawPart(part, models)),
    ];
  }

  /* What the rates are broken down by, folded away. */
  function drawPart(part, models) {
    const heads = [part.head, ...models].map((name) => make("th", { scope: "col" }, name));
    const rows = part.rows.map((row) =>
      make("tr", {}, make("th", { scope: "row" }, `${row.name} (${row.n})`),
        row.cells.map(([rate, ...more]) => make("td", {}, rate, more.map((words) => make("small", {}, words))))));
    return make("details", {}, make("summary", {}, part.title),
      make("table", {}, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows)));
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
  const ask = leaml.requests("items");
  let value = {};
  const asked = () => ({ filter: value.filter, page: value.page, adapter: value.adapter, ...value.chosen });
  const send = (more) => ask({ act: "list", ...asked(), ...more });

  /* The view that was opened says which questions are wanted. */
  function follow() {
    const wanted = leaml.view && leaml.view.filter;
    if (value.counts && wanted && wanted !== value.filter) send({ filter: wanted, page: 0 });
  }

  function drawAnswer(answer) {
    return make("span", { class: "item-answer" },
      make("span", { class: answer.right ? "good" : "bad" }, answer.mark), ` ${answer.name}: `, leaml.marked(answer.parts));
  }

  function drawRow(row) {
    const look = () => {
      if (send({ act: "open", pair: row.pair })) document.getElementById("compare-viewer").scrollIntoView({ block: "center" });
    };
    return make("li", {},
      make("button", { type: "button", class: "item", title: value.words.open, onclick: look },
        make("img", { src: row.thumb, alt: "", loading: "lazy" }),
        make("span", { class: "item-words" },
          make("span", { class: "item-question" }, row.question),
          make("span", { class: "quiet" }, `${value.words.label}: ${row.label}`),
          row.answers.map(drawAnswer))));
  }

  function drawChoice(name, options, chosen, send) {
    return make("label", { class: "label-pool quiet" }, value.words[name],
      make("select", { "data-part": `choice-${name}`, onchange: (event) => send(event.target.value) },
        options.map((one) => make("option", { value: one.value, selected: one.value === String(chosen) }, one.name))));
  }

  function drawFilters() {
    const models = value.adapters.map((one) => ({ value: String(one.id), name: one.name }));
    const all = { value: "", name: value.words.every };
    return make("div", { class: "card-buttons" },
      models.length > 1 && drawChoice("adapter", models, value.adapter, (id) => send({ adapter: Number(id), page: 0 })),
      ["type", "question", "split"].filter((name) => value.choices[name].length).map((name) =>
        drawChoice(name, [all, ...value.choices[name]], value.chosen[name], (text) => send({ [name]: text, page: 0 }))));
  }

  function drawPages() {
    const { words } = value;
    return make("div", { class: "card-buttons" },
      button(words.before, "", () => send({ page: value.page - 1 }), { class: "card-quiet", disabled: value.page === 0 }),
      make("span", { class: "quiet" }, `${words.page} ${value.page + 1} ${words.of} ${value.pages}`),
      button(words.after, "", () => send({ page: value.page + 1 }), {
        class: "card-quiet", disabled: value.page === value.pages - 1,
      }));
  }

  function show() {
    value = props.value || {};
    if (!value.counts) return element.replaceChildren();
    const rows = value.rows.length ? make("ul", { class: "items" }, value.rows.map(drawRow)) : make("p", {}, value.words.none);
    element.replaceChildren(make("section", { class: "card drawn" },
      drawFilters(), make("p", { class: "quiet" }, value.help), rows, value.pages > 1 ? drawPages() : null));
    follow();
  }

  document.addEventListener("leaml-view", follow);
  watch("value", show);
  show();
};
