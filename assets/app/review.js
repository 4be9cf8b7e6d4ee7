/* The card of the Review screen: a suggestion, why to trust it, and the keys that decide. One key decides and leads on.
   The value comes from app/screens/review.py, `shown`. */

window.leaml = window.leaml || {};

leaml.review = function (element, props, watch, trigger) {
  const { make, button } = leaml;
  const ask = leaml.requests("review", trigger);
  const clock = leaml.clock();
  let value = {};
  let mode = "decide"; // or "edit", "reject"
  let edited = { question: "", answer: "" };

  const draftName = () => `review.${value.project}`;

  // Deciding --------------------------------------------------------------------------------------------------------

  function send(act, more = {}) {
    const { item } = value;
    if (!item && act !== "undo" && act !== "open") return;
    ask({ act, pair: item ? item.id : null, verdict: item ? item.verdict : null, seconds: clock.seconds(), ...more });
  }

  function turn(to) {
    if (!value.item) return;
    mode = to;
    if (to === "edit") edited = { question: value.item.question, answer: value.item.answer };
    if (to !== "edit") leaml.kept.set(draftName(), null);
    draw();
    const field = to === "edit" && element.querySelector("[data-part=answer]");
    if (field) field.focus();
  }

  const save = () => mode === "edit" && send("edit", edited);
  const reject = (number) => {
    const reason = value.reasons && value.reasons[number - 1];
    if (mode !== "reject" || !reason) return false;
    send("reject", { reason });
  };
  const decide = (act) => () => (mode === "edit" ? false : send(act));

  // Drawing ---------------------------------------------------------------------------------------------------------

  function drawEdit() {
    const field = (name) =>
      make("label", {}, value.words[name], make("input", {
        type: "text", value: edited[name], maxlength: 2000, "data-part": name,
        oninput: (event) => {
          edited[name] = event.target.value;
          leaml.kept.set(draftName(), { pair: value.item.id, edited });
        },
      }));
    const answer = field("answer");
    const choices = (value.item.choices || []).map((choice) =>
      button(choice, "", () => {
        edited.answer = choice;
        answer.querySelector("input").value = choice;
        leaml.kept.set(draftName(), { pair: value.item.id, edited });
      }));
    return make("div", { class: "review-edit" }, field("question"), answer,
      make("div", { class: "label-choices" }, choices),
      make("div", { class: "card-buttons" },
        button(value.words.save, "Ctrl ↵", save, { class: "card-primary", "data-part": "save" }),
        button(value.words.cancel, "Esc", () => turn("decide"), { class: "card-quiet" })));
  }

  function drawReasons() {
    return make("div", { class: "review-reasons" }, make("p", {}, value.words.why),
      make("div", { class: "review-choices" }, value.reasons.map((reason, place) =>
        button(reason, String(place + 1), () => reject(place + 1)))),
      make("div", { class: "card-buttons" },
        button(value.words.cancel, "Esc", () => turn("decide"), { class: "card-quiet" })));
  }

  function drawDecisions() {
    return make("div", { class: "review-decisions" },
      button(value.words.accept, "A", decide("accept"), { class: "card-primary", "data-part": "accept" }),
      button(value.words.edit, "E", () => turn("edit"), { "data-part": "edit" }),
      button(value.words.reject, "X", () => turn("reject"), { "data-part": "reject" }),
      button(value.words.skip, "S", decide("skip"), { "data-part": "skip" }));
  }

  function drawBeside(item) {
    if (item.beside.length < 2) return null;
    return make("div", { class: "review-beside" }, make("h3", {}, value.words.also),
      make("ul", {}, item.beside.map((other) =>
        make("li", { class: other.id === item.id ? "here" : null },
          button(`${other.question} — ${other.answer}`, "", () => send("open", { pair: other.id }), {
            class: "label-row", title: `${other.question} — ${other.answer}`,
          }),
          make("span", { class: "quiet" }, other.state)))));
  }

  function drawItem(item) {
    const heading = make("header", {},
      make("span", { class: "review-mark" }, value.words.mark),
      make("span", { class: "quiet" }, `${item.place} · ${item.on_picture}`));
    const asked = [
      make("p", { class: "review-question" }, item.question),
      make("p", { class: "review-answer" }, item.answer),
    ];
    return [
      heading,
      ...(mode === "edit" ? [] : asked),
      mode === "edit" ? null : make("p", { class: "quiet review-why" }, item.why.join(" ")),
      item.decided ? make("p", { class: `review-decided ${item.status}` }, item.decided) : null,
      { edit: drawEdit, reject: drawReasons, decide: drawDecisions }[mode](),
      mode === "reject" ? null : drawBeside(item),
    ];
  }

  function drawFooter() {
    return [
      make("div", { class: "card-buttons" },
        button(value.words.undo, "U", () => send("undo"), { class: "card-quiet", "data-part": "undo" }),
        value.item ? button(value.words.before, "←", () => send("move", { by: -1 }), { class: "card-quiet" }) : null,
        value.item ? button(value.words.after, "→", () => send("move", { by: 1 }), { class: "card-quiet" }) : null),
      make("footer", {}, make("p", { class: "card-standing" }, value.standing || ""),
        make("p", { role: "status", class: "card-said" }, value.said || "")),
    ];
  }

  function draw() {
    const card = make("section", { class: "card drawn", "data-state": value.empty ? "empty" : value.item ? mode : "waits" });
    if (value.empty) {
      const again = value.first && button(value.words.look, "", () => send("open", { pair: value.first }), {});
      card.append(...leaml.emptyState(value.empty, again));
    } else if (value.item) card.append(...drawItem(value.item).filter(Boolean));
    if (value.standing) card.append(...drawFooter());
    element.replaceChildren(card);
  }

  function show() {
    const before = value.item && value.item.id;
    const given = props.value || {};
    // The tab was opened again: what stands here is brought up to date, and stays.
    if (given.again) return leaml.project() ? ask({ act: "open", pair: before || null }) : null;
    value = given;
    const item = value.item && value.item.id;
    const draft = leaml.kept.get(draftName());
    if (item !== before) {
      mode = "decide";
      clock.start();
    }
    if (draft && draft.pair === item) {
      mode = "edit";
      edited = draft.edited;
    } else if (draft && value.fresh) send("open", { pair: draft.pair });
    else if (draft) leaml.kept.set(draftName(), null);
    if (value.said && mode !== "edit") mode = "decide";
    draw();
  }

  const digits = Object.fromEntries([..."1234567"].map((key) => [key, () => reject(Number(key))]));
  leaml.onKeys(element, {
    ...digits,
    a: decide("accept"),
    e: () => turn("edit"),
    x: () => turn("reject"),
    s: decide("skip"),
    u: () => send("undo"),
    "Ctrl+z": () => send("undo"),
    ArrowLeft: () => send("move", { by: -1 }),
    ArrowRight: () => send("move", { by: 1 }),
    "Ctrl+Enter": save,
    Escape: () => turn("decide"),
  }, ["Ctrl+Enter", "Escape"]);
  watch("value", show);
  show();
};
