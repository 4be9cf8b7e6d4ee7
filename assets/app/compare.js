/* Asking on the Compare screen: which picture, which question, of whom, and the answers side by side.
   The values come from app/asking.py; what a comparison found is drawn by findings.js. */

window.leaml = window.leaml || {};

/* Which picture, which question, of whom. */
leaml.asking = function (element, props, watch, trigger) {
  const { make, button } = leaml;
  const pick = leaml.requests("picking");
  const ask = leaml.streams("asking", trigger, "input", 300000);
  const stop = leaml.requests("stopping");
  let value = {};
  let typed = "";
  let chosen = [];

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
    if (ask({ picture: value.picture.id, question: typed, adapters: chosen })) waits();
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
    return [
      make("div", { class: "asking-question" }, field, known,
        button(words.ask, "↵", send, { class: "card-primary", "data-part": "ask" }),
        button(words.stop, "", () => stop({}), { "data-part": "stop", disabled: true })),
      value.adapters.length > 1 && drawModels(),
    ];
  }

  /* Who answers beside the base model: one or several, in the order of the list. */
  function drawModels() {
    const toggle = (id) => {
      const now = chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id].slice(-value.most);
      chosen = value.adapters.map((one) => one.id).filter((one) => now.includes(one));
      draw();
    };
    return make("div", { class: "card-buttons asking-models", role: "group", "aria-label": value.words.adapter },
      make("span", { class: "quiet" }, value.words.adapter),
      value.adapters.map((one) =>
        button(one.name, "", () => toggle(one.id), {
          class: "chip", "aria-pressed": String(chosen.includes(one.id)), "data-part": `adapter-${one.id}`,
        })));
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
      chosen = chosen.filter((id) => value.adapters.some((one) => one.id === id));
      if (!chosen.length) chosen = value.adapters.slice(0, 1).map((one) => one.id);
    }
    draw();
  }

  /* The blind comparison shows pictures of its own; when it is left, the one that is asked about comes back. */
  let wasBlind = false;
  document.addEventListener("leaml-view", () => {
    const isBlind = leaml.view.area === "blind";
    if (wasBlind && !isBlind && value.picture) pick({ act: "open", pool: value.pool, picture: value.picture.id });
    wasBlind = isBlind;
  });

  leaml.onKeys(element, { ArrowLeft: by(-1), ArrowRight: by(1), "Ctrl+Enter": send }, ["Ctrl+Enter"]);
  watch("value", show);
  show();
};

/* Words of an answer; those that the answer beside it does not have are marked. */
leaml.marked = (parts) =>
  parts.map(([words, differs], place) => [place ? " " : "", differs ? leaml.make("mark", {}, words) : words]);

/* What base and adapted models answer, side by side, while it is written and after. */
leaml.answers = function (element, props, watch, trigger) {
  const { make, button } = leaml;
  const look = leaml.streams("looking", trigger, "submit", 300000);

  /* How probable each of a question's answers is, the likeliest first. */
  function drawChoices(choices) {
    return make("ul", { class: "answer-choices" }, choices.map((choice) =>
      make("li", {}, make("span", {}, choice.name), make("span", { class: "quiet" }, choice.text),
        make("i", { style: `width:${choice.share}%`, "aria-hidden": "true" }))));
  }

  function drawSide(side, words) {
    return make("div", { class: "answer" },
      make("h3", {}, side.name),
      make("p", { class: "answer-text" }, side.parts ? leaml.marked(side.parts) : side.text || side.message || ""),
      make("p", { class: "quiet", title: words.help }, side.sure || ""),
      side.choices ? drawChoices(side.choices) : null,
      side.doubt ? make("p", { class: "answer-doubt" }, `⚠ ${side.doubt}`) : null,
      side.mark ? make("p", { class: side.right ? "good" : "bad" }, side.mark) : null,
      side.learned ? make("p", { class: "quiet" }, side.learned) : null,
      side.done && side.text ? drawLook(side, words) : null);
  }

  /* Hiding parts of the picture, one after the other, takes a while: only where somebody asks for it. */
  function drawLook(side, words) {
    const { picture, question } = props.value;
    const asked = { picture, question, answer: side.text, adapter: side.adapter };
    return picture ? button(words.look, "", () => look(asked), { class: "card-quiet", "data-part": "look" }) : null;
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

/* What an answer depends on: the picture under a grid, darker where hiding that part takes more of its probability. */
leaml.looking = function (element, props, watch) {
  const { make, button } = leaml;
  const stop = leaml.requests("stopping");

  function drawMap(value) {
    const [width, height] = value.size;
    const framed = new Set(value.hidden.map(String));
    const cells = value.cells.flatMap((row, y) => row.map((share, x) =>
      make("i", { class: framed.has(String([y, x])) ? "framed" : null, style: `--share:${share}` })));
    const grid = make("div", { class: "looking-cells", "aria-hidden": "true",
      style: `grid-template-columns:repeat(${value.cells[0].length},1fr)` }, cells);
    return make("div", { class: "looking-picture", style: `aspect-ratio:${width}/${height}` },
      make("img", { src: value.source, alt: "" }), grid);
  }

  function show() {
    const value = props.value || {};
    if (!value.words) return element.replaceChildren();
    const card = make("section", { class: "card drawn", "aria-live": "polite" }, make("h3", {}, value.words.title));
    element.replaceChildren(card);
    if (!value.cells) {
      card.append(make("p", { class: "quiet" }, `${value.message} …`));
      return card.append(make("div", { class: "card-buttons" },
        button(value.words.stop, "", () => stop({}), { class: "card-quiet", "data-part": "stop-looking" })));
    }
    card.append(make("div", { class: "looking" }, drawMap(value),
      make("div", {}, value.sentences.map((sentence) => make("p", {}, sentence)),
        make("p", { class: "quiet" }, value.words.scale), make("p", { class: "quiet" }, value.note))));
  }
  watch("value", show);
  show();
};
