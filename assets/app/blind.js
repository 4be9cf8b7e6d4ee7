/* Blind A/B on the Compare screen: two answers without names, one key, then the names of the ones before.
   The values come from app/blind.py. */

window.leaml = window.leaml || {};

leaml.blind = function (element, props, watch, trigger) {
  const { make, button } = leaml;
  const ask = leaml.requests("blind");
  const clock = leaml.clock();
  const sides = ["left", "right"];
  let value = {};
  let ticked = { left: [], right: [] };

  const isOpen = () => leaml.view && leaml.view.area === "blind";
  const send = (more) => ask({ adapter: value.adapter, ...more });
  const undo = () => send({ act: "undo" });

  function vote(choice) {
    if (!value.item || !isOpen()) return;
    send({ act: "vote", pair: value.item.pair, choice, rubric: ticked, seconds: clock.seconds() });
  }

  function tick(side, word) {
    const now = ticked[side];
    ticked[side] = now.includes(word) ? now.filter((one) => one !== word) : [...now, word];
    draw();
  }

  function drawSide(side, place) {
    const { words } = value;
    return make("div", { class: "answer" },
      make("h3", {}, `${words.answer} ${"AB"[place]}`),
      make("p", { class: "answer-text" }, value.item.answers[place]),
      make("div", { class: "card-buttons" }, ["correct", "complete", "harmful"].map((word) =>
        button(words[word], "", () => tick(side, word), {
          class: "chip", "aria-pressed": String(ticked[side].includes(word)), "data-part": `${side}-${word}`,
        }))));
  }

  function drawBefore() {
    const { words, before } = value;
    return make("div", { class: "blind-before" },
      make("h3", {}, `${words.before}: ${before.question}`),
      before.answers.map((one) =>
        make("p", {}, `${one.side} · `, make("strong", {}, one.name), `: “${one.text}” `,
          make("span", { class: one.right ? "good" : "bad" }, one.mark))),
      make("p", { class: "quiet" }, `${before.choice} · ${words.label}: ${before.label}`));
  }

  function drawItem() {
    const { words, item } = value;
    const acts = [["left", "A"], ["right", "B"], ["equal", "E"], ["neither", "N"]];
    return [
      make("p", { class: "answer-question" }, item.question),
      make("div", { class: "answer-sides" }, sides.map(drawSide)),
      make("div", { class: "blind-choices" }, acts.map(([choice, key]) =>
        button(words[choice], key, () => vote(choice), { "data-part": choice }))),
      make("p", { class: "quiet" }, words.hint),
    ];
  }

  function drawModels() {
    return make("label", { class: "label-pool quiet" }, value.words.adapter,
      make("select", { onchange: (event) => ask({ act: "show", adapter: Number(event.target.value) }) },
        value.adapters.map((one) =>
          make("option", { value: String(one.id), selected: one.id === value.adapter }, one.name))));
  }

  function draw() {
    const part = element.contains(document.activeElement) && document.activeElement.dataset.part;
    const card = make("section", { class: "card drawn", "aria-live": "polite" });
    element.replaceChildren(card);
    if (value.empty) return card.append(...leaml.emptyState(value.empty));
    if (!value.words) return;
    card.append(
      make("header", {}, make("span", { class: "card-standing" }, value.standing),
        button(value.words.undo, "U", undo, { class: "card-quiet", "data-part": "undo" })),
      ...(value.adapters.length > 1 ? [drawModels()] : []),
      ...(value.item ? drawItem() : [make("p", {}, value.finished)]),
      ...(value.said ? [make("p", { class: "card-said" }, value.said)] : []),
      ...(value.before ? [drawBefore()] : []));
    const again = part && element.querySelector(`[data-part=${part}]`);
    if (again) again.focus();
  }

  function show() {
    value = props.value || {};
    ticked = { left: [], right: [] };
    clock.start();
    draw();
  }

  document.addEventListener("leaml-view", () => isOpen() && ask({ act: "show", adapter: value.adapter }));
  leaml.onKeys(element, {
    a: () => vote("left"), b: () => vote("right"), e: () => vote("equal"), n: () => vote("neither"), u: undo,
  });
  watch("value", show);
  show();
};

/* What everybody found, one row for each person. */
leaml.votes = function (element, props, watch) {
  const { make } = leaml;

  function show() {
    const { words, rows, notes } = props.value || {};
    if (!rows) return element.replaceChildren();
    const columns = ["adapted", "base", "equal", "neither", "rate"];
    // Folded away: who has not judged yet should not know what the others found.
    element.replaceChildren(make("details", { class: "card drawn votes" }, make("summary", {}, words.title),
      make("table", {},
        make("thead", {}, make("tr", {}, [words.who, ...columns.map((name) => words[name])].map((name) =>
          make("th", { scope: "col" }, name)))),
        make("tbody", {}, rows.map((row) =>
          make("tr", {}, make("th", { scope: "row" }, row.name), columns.map((name) => make("td", {}, String(row[name]))))))),
      notes.map((note) => make("p", { class: "quiet" }, note))));
  }
  watch("value", show);
  show();
};
