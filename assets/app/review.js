/* The card of the Review screen: a suggestion, why to trust it, and the keys that decide. One key decides and leads on.
   The value comes from app/reviewing.py, `shown`; the parts around the suggestion stand in review_parts.js. */

window.leaml = window.leaml || {};

leaml.review = function (element, props, watch, trigger) {
  const { make, button } = leaml;
  const parts = leaml.reviewParts;
  const ask = leaml.requests("review", trigger);
  const clock = leaml.clock();
  let value = {};
  let mode = "decide"; // or "edit", "reject", "comment", "many"
  let edited = { question: "", answer: "" };
  let ticks = { question: true, answer: true };
  let said = "";
  let comment = "";
  let offer = null;

  const draftName = () => `review.${value.project}`;
  const undecided = () => value.item && !value.item.blind;

  // Asking ----------------------------------------------------------------------------------------------------------

  function send(act, more = {}) {
    const { item } = value;
    const here = item
      ? { pair: item.id, verdict: item.verdict, check: item.check, shown: item.shown, said: item.said_before }
      : { pair: null, verdict: null };
    return ask({ act, ...here, seconds: clock.seconds(), ...more });
  }

  function turn(to) {
    if (!value.item) return;
    mode = to;
    if (to === "edit") edited = { question: value.item.question, answer: value.item.answer };
    if (to !== "edit") leaml.kept.set(draftName(), null);
    if (to === "comment") comment = "";
    draw();
    const field = element.querySelector("[data-focus]");
    if (field) field.focus();
  }

  const bothRight = () => ticks.question && ticks.answer;
  const accept = () => (bothRight() ? send("accept") : turn("reject"));
  const save = () => {
    if (mode === "edit") send("edit", edited);
    else if (mode === "comment") comment.trim() && send("comment", { text: comment });
    else if (!value.item && value.sample && value.sample.rest) send("rest", { audit: value.sample.audit });
    else return false;
  };
  function reject(number) {
    const reason = value.reasons[number - 1];
    if (!reason) return false;
    const told = bothRight() ? {} : { question_ok: ticks.question, answer_ok: ticks.answer };
    send("reject", { reason, ...told });
  }
  function tick(part) {
    ticks[part] = !ticks[part];
    draw();
  }
  const say = (answer) => answer.trim() && send("say", { said: answer });
  function digit(number) {
    if (mode === "reject") return reject(number);
    if (mode === "many") return parts.begin(offer, number, send);
    const choice = mode === "decide" && value.item && value.item.blind && value.item.choices[number - 1];
    return choice ? say(choice) : false;
  }
  function escape() {
    if (mode !== "decide") turnTo("decide");
    else if (!value.item && value.sample) send("close");
    else document.activeElement.blur();
  }
  const decide = (act) => () => (mode === "decide" && undecided() ? act() : false);
  const go = (act, more) => () => (mode === "decide" ? send(act, more) : false);

  // Drawing the suggestion ------------------------------------------------------------------------------------------

  function drawEdit() {
    const { item, words } = value;
    const change = make("p", { class: "review-change", "aria-label": words.change });
    const redraw = () => {
      leaml.kept.set(draftName(), { pair: item.id, edited });
      change.replaceChildren(...parts.difference(`${item.question} ${item.answer}`, `${edited.question} ${edited.answer}`));
    };
    const field = (name) =>
      make("label", {}, words[name], make("input", {
        type: "text", value: edited[name], maxlength: 2000, "data-part": name, "data-focus": name === "answer",
        oninput: (event) => {
          edited[name] = event.target.value;
          redraw();
        },
      }));
    const answer = field("answer");
    const choices = item.choices.map((choice) =>
      button(choice, "", () => {
        edited.answer = choice;
        answer.querySelector("input").value = choice;
        redraw();
      }));
    return make("div", { class: "review-edit" }, field("question"), answer,
      make("div", { class: "label-choices" }, choices), change,
      make("div", { class: "card-buttons" },
        button(words.save, "Ctrl ↵", save, { class: "card-primary", "data-part": "save" }),
        button(words.cancel, "Esc", () => turn("decide"), { class: "card-quiet" })));
  }

  function drawReasons() {
    return make("div", { class: "review-reasons" }, make("p", {}, value.words.why),
      make("div", { class: "review-choices" }, value.reasons.map((reason, place) =>
        button(reason, String(place + 1), () => reject(place + 1)))),
      make("div", { class: "card-buttons" },
        button(value.words.cancel, "Esc", () => turn("decide"), { class: "card-quiet" })));
  }

  function drawComment() {
    return make("div", { class: "review-edit" },
      make("label", {}, value.words.comment, make("input", {
        type: "text", maxlength: 2000, "data-part": "comment", "data-focus": true,
        oninput: (event) => (comment = event.target.value),
      })),
      make("div", { class: "card-buttons" },
        button(value.words.saveComment, "Ctrl ↵", save, { class: "card-primary" }),
        button(value.words.cancel, "Esc", () => turn("decide"), { class: "card-quiet" })));
  }

  function drawFirst(item) {
    const { words } = value;
    const open = !item.choices.length;
    const field = open && make("input", {
      type: "text", maxlength: 2000, "data-part": "said", "data-focus": true, "aria-label": words.first,
      oninput: (event) => (said = event.target.value),
    });
    return make("div", { class: "review-edit" }, make("p", {}, words.first), make("p", { class: "quiet" }, words.firstHelp),
      open
        ? [field, button(words.answerIt, "↵", () => say(said), { class: "card-primary", "data-part": "say" })]
        : make("div", { class: "label-choices" }, item.choices.map((choice, place) =>
            button(choice, place < 9 ? String(place + 1) : "", () => say(choice)))),
      make("div", { class: "card-buttons" }, button(words.skip, "S", go("skip"), { "data-part": "skip" })));
  }

  function drawDecisions() {
    const { words } = value;
    return make("div", { class: "review-decisions" },
      button(words.accept, "A", decide(accept), { class: "card-primary", "data-part": "accept" }),
      button(words.edit, "E", () => turn("edit"), { "data-part": "edit" }),
      button(words.reject, "X", () => turn("reject"), { "data-part": "reject" }),
      button(words.skip, "S", go("skip"), { "data-part": "skip" }));
  }

  function drawAsked(item) {
    const { words } = value;
    const toggle = (name, key) => item.blind ? null : button(ticks[name] ? words.right : words.wrong, key, () => tick(name), {
      class: "review-tick", "data-tick": ticks[name] ? "right" : "wrong", "data-part": `tick-${name}`,
      "aria-label": `${words[name]}: ${ticks[name] ? words.right : words.wrong}`,
    });
    return make("div", { class: "review-asked" },
      make("p", { class: "review-question" }, item.question), toggle("question", "Q"),
      item.blind ? null : make("p", { class: "review-answer" }, item.answer), item.blind ? null : toggle("answer", "T"));
  }

  function drawItem(item) {
    const { words } = value;
    return [
      make("header", {},
        make("span", { class: "review-mark" }, value.sample ? value.sample.mark : words.mark),
        item.score ? make("span", { class: "review-score" }, item.score) : null,
        make("span", { class: "quiet" }, item.on_picture)),
      mode === "edit" ? null : drawAsked(item),
      item.was && mode !== "edit" ? make("p", { class: "quiet review-change" }, `${words.was}: `,
        parts.difference(`${item.was.question} ${item.was.answer}`, `${item.question} ${item.answer}`)) : null,
      mode === "edit" || !item.why ? null : make("p", { class: "quiet review-why" }, item.why),
      item.decided ? make("p", { class: `review-decided ${item.status}` }, item.decided) : null,
      ...item.comments.map((text) => make("p", { class: "quiet review-comment" }, text)),
      item.blind && mode === "decide" ? drawFirst(item)
        : { edit: drawEdit, reject: drawReasons, comment: drawComment, decide: drawDecisions }[mode](),
      mode === "decide" ? parts.beside(value, (id) => send("open", { pair: id, check: null })) : null,
    ];
  }

  // Drawing what stands around it -----------------------------------------------------------------------------------

  function drawActs() {
    const { item, words } = value;
    const quiet = (text, key, press, more) => button(text, key, press, { class: "card-quiet", ...more });
    return make("div", { class: "card-buttons review-acts" },
      quiet(words.undo, "U", () => send("undo"), { "data-part": "undo" }),
      item ? quiet("", "←", go("move", { by: -1 }), { "aria-label": words.before, title: words.before }) : null,
      item ? quiet("", "→", go("move", { by: 1 }), { "aria-label": words.after, title: words.after }) : null,
      item ? quiet(item.flagged ? words.flagged : words.flag, "F", go("flag"), {
        "data-part": "flag", "data-on": item.flagged,
      }) : null,
      item ? quiet(words.comment, "C", () => turn("comment"), { "data-part": "comment-open" }) : null);
  }

  const openMany = () => (mode === "decide" && !value.sample ? send("offer") : false);
  function look(change) {
    send("view", { view: { ...value.view, ...change } });
  }
  function draw() {
    const state = value.empty && !value.item ? "empty" : value.item ? mode : "waits";
    const card = make("section", { class: "card drawn", "data-state": mode === "many" ? "many" : state });
    card.append(...parts.warnings(value, send), ...parts.sample(value, send));
    if (mode === "many" && offer) card.append(parts.many(offer, value, send, () => turnTo("decide")));
    else if (value.item) card.append(...drawItem(value.item).filter(Boolean));
    else if (value.empty && !(value.sample && value.sample.outcome !== "open")) {
      const again = value.standing && button(value.words.look, "←", go("move", { by: -1 }), {});
      card.append(...leaml.emptyState(value.empty, value.sample ? null : again));
    }
    if (value.standing && (mode === "decide" || !value.item)) card.append(drawActs());
    if (value.standing && mode !== "many") card.append(parts.line(value, mode === "decide", look, openMany));
    element.replaceChildren(card);
  }

  function turnTo(to) {
    mode = to;
    draw();
  }

  // What came -------------------------------------------------------------------------------------------------------

  function show() {
    const before = value.item && value.item.id;
    const given = props.value || {};
    // The tab was opened again: what stands here is brought up to date, and stays.
    if (given.again) return leaml.project() ? (value.item ? send("open") : send("first")) : null;
    value = { advice: value.advice, ...given }; // said when the page is loaded, and stands until it is again
    const item = value.item && value.item.id;
    const draft = leaml.kept.get(draftName());
    if (item !== before) clock.start();
    if (item !== before || mode === "comment" || mode === "many") {
      mode = "decide";
      ticks = { question: true, answer: true };
      said = "";
    }
    offer = value.many || null;
    if (offer) mode = "many";
    else if (draft && draft.pair === item && undecided()) {
      mode = "edit";
      edited = draft.edited;
    } else if (draft && value.fresh) send("open", { pair: draft.pair, check: null });
    else if (draft) leaml.kept.set(draftName(), null);
    if (value.said && mode === "reject") mode = "decide";
    draw();
    const field = element.checkVisibility() && element.querySelector("input[data-part=said]");
    if (field) field.focus({ preventScroll: true });
  }

  const digits = Object.fromEntries([..."123456789"].map((key) => [key, () => digit(Number(key))]));
  leaml.onKeys(element, {
    ...digits,
    a: decide(accept),
    e: decide(() => turn("edit")),
    x: decide(() => turn("reject")),
    q: decide(() => tick("question")),
    t: decide(() => tick("answer")),
    s: go("skip"),
    f: go("flag"),
    c: () => (mode === "decide" ? turn("comment") : false),
    b: openMany,
    u: go("undo"),
    "Ctrl+z": go("undo"),
    ArrowLeft: go("move", { by: -1 }),
    ArrowRight: go("move", { by: 1 }),
    Enter: (event) => (event.target.matches("[data-part=said]") ? say(said) : false),
    "Ctrl+Enter": save,
    Escape: escape,
  }, ["Ctrl+Enter", "Escape", "Enter"]);
  watch("value", show);
  show();
};
