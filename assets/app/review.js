/* The card of the Review screen: a suggestion, why to trust it, and the keys that decide. One key decides and leads on:
   what comes next was handed over ahead and is shown at once, while the decision is saved behind it (saving.js).
   The value comes from app/reviewing.py, `shown`; the parts around the suggestion stand in review_parts.js. */

window.leaml = window.leaml || {};

leaml.review = function (element, props, watch) {
  const { make, button } = leaml;
  const parts = leaml.reviewParts;
  const saving = leaml.saving("review", {
    owner: () => ({ project: value.project, person: value.person }),
    changed: () => draw(),
    handed: (parts) => handOver(parts["review-card"]),
  });
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

  const sent = (act, more) => {
    const { item } = value;
    const here = item
      ? { pair: item.id, verdict: item.verdict, check: item.check, shown: item.shown, said: item.said_before }
      : { pair: null, verdict: null };
    return { act, ...here, seconds: clock.seconds(), ...more };
  };
  const ahead = () => {
    const line = (value.next || []).map(({ item }) => ({ pair: item.id, check: item.check, shown: item.shown }));
    return line.length ? { line } : {};
  };

  /* Asks for something, and waits for it. What somebody wrote is kept until it is saved. */
  const send = (act, more) => saving.add(sent(act, more), { keeps: act === "comment" });

  /* The same suggestion is shown again: what was handed ahead is held on to. */
  const stay = (act, more) => send(act, { ...ahead(), ...more });

  /* Leaves the suggestion: what comes next is shown at once where it is here already. */
  function leave(act, more) {
    const before = { value, mode, edited };
    const [first, ...rest] = value.next || [];
    const back = () => {
      goTo(before.value.item, before.value.picture, before.value.next);
      edited = before.edited;
      if (act === "edit") turnTo("edit");
    };
    const asked = sent(act, { ...ahead(), ...more });
    const settings = { about: value.item.question, moved: Boolean(first), keeps: act !== "skip", back: first && back };
    if (!saving.add(asked, settings)) return false;
    if (first) goTo(first.item, first.picture, rest);
  }

  function goTo(item, picture, next) {
    value = { ...value, item, picture, next, said: saving.waits() ? leaml.words().saving : "" };
    leaml.kept.set(draftName(), null);
    begin();
    draw();
    answerFirst();
    leaml.fill({ parts: { "review-viewer": { ...picture, next: next.map((entry) => entry.picture) } } });
  }

  /* Opens what was refused again, with what was written. */
  function lookAgain({ pair, act, question, answer }) {
    if (act === "edit") leaml.kept.set(draftName(), { pair, edited: { question, answer } });
    return send("open", { pair, check: null });
  }

  /* Who answers before the suggestion is shown, and by writing, may begin at once. */
  function answerFirst() {
    const field = element.checkVisibility() && element.querySelector("input[data-part=said]");
    if (field) field.focus({ preventScroll: true });
  }

  const undo = () => mode === "decide" && (saving.takeBack() || send("undo"));

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
  const accept = () => (bothRight() ? leave("accept") : turn("reject"));
  const save = () => {
    if (mode === "edit") leave("edit", edited);
    else if (mode === "comment") comment.trim() && stay("comment", { text: comment });
    else if (!value.item && value.sample && value.sample.rest) send("rest", { audit: value.sample.audit });
    else return false;
  };
  function reject(number) {
    const reason = value.reasons[number - 1];
    if (!reason) return false;
    const told = bothRight() ? {} : { question_ok: ticks.question, answer_ok: ticks.answer };
    return leave("reject", { reason, ...told });
  }
  function tick(part) {
    ticks[part] = !ticks[part];
    draw();
  }
  const say = (answer) => answer.trim() && stay("say", { said: answer });
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
  const flag = () => (mode === "decide" ? stay("flag") : false);
  const skip = () => (mode !== "decide" ? false : value.item ? leave("skip") : send("skip"));

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
        type: "text", value: comment, maxlength: 2000, "data-part": "comment", "data-focus": true,
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
      type: "text", value: said, maxlength: 2000, "data-part": "said", "data-focus": true, "aria-label": words.first,
      oninput: (event) => (said = event.target.value),
    });
    return make("div", { class: "review-edit" }, make("p", {}, words.first), make("p", { class: "quiet" }, words.firstHelp),
      open
        ? [field, button(words.answerIt, "↵", () => say(said), { class: "card-primary", "data-part": "say" })]
        : make("div", { class: "label-choices" }, item.choices.map((choice, place) =>
            button(choice, place < 9 ? String(place + 1) : "", () => say(choice)))),
      make("div", { class: "card-buttons" }, button(words.skip, "S", skip, { "data-part": "skip" })));
  }

  function drawDecisions() {
    const { words } = value;
    return make("div", { class: "review-decisions" },
      button(words.accept, "A", decide(accept), { class: "card-primary", "data-part": "accept" }),
      button(words.edit, "E", () => turn("edit"), { "data-part": "edit" }),
      button(words.reject, "X", () => turn("reject"), { "data-part": "reject" }),
      button(words.skip, "S", skip, { "data-part": "skip" }));
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
      quiet(words.undo, "U", undo, { "data-part": "undo" }),
      item ? quiet("", "←", go("move", { by: -1 }), { "aria-label": words.before, title: words.before }) : null,
      item ? quiet("", "→", go("move", { by: 1 }), { "aria-label": words.after, title: words.after }) : null,
      item ? quiet(item.flagged ? words.flagged : words.flag, "F", flag, {
        "data-part": "flag", "data-on": item.flagged,
      }) : null,
      item ? quiet(words.comment, "C", () => turn("comment"), { "data-part": "comment-open" }) : null,
      item && item.decided ? quiet(words.history, "L", history, { "data-part": "history" }) : null);
  }

  const history = () => (mode === "decide" && value.item && value.item.decided ? leaml.history(value.item.id) : false);
  const openMany = () => (mode === "decide" && !value.sample ? send("offer") : false);
  function look(change) {
    send("view", { view: { ...value.view, ...change } });
  }
  const drawLine = () => parts.line(value, mode === "decide", look, openMany);

  function draw() {
    const state = value.empty && !value.item ? "empty" : value.item ? mode : "waits";
    const card = make("section", { class: "card drawn", "data-state": mode === "many" ? "many" : state });
    card.append(...saving.parts(lookAgain));
    card.append(...parts.warnings(value, send), ...parts.sample(value, send));
    if (mode === "many" && offer) card.append(parts.many(offer, value, send, () => turnTo("decide")));
    else if (value.item) card.append(...drawItem(value.item).filter(Boolean));
    else if (value.empty && !(value.sample && value.sample.outcome !== "open")) {
      const again = value.standing && button(value.words.look, "←", go("move", { by: -1 }), {});
      card.append(...leaml.emptyState(value.empty, value.sample ? null : again));
    }
    if (value.standing && (mode === "decide" || !value.item)) card.append(drawActs());
    if (value.standing && mode !== "many") card.append(drawLine());
    leaml.redraw(element, card);
  }

  function turnTo(to) {
    mode = to;
    draw();
  }

  // What came -------------------------------------------------------------------------------------------------------

  /* Another suggestion is shown, and nothing was done about it yet. */
  function begin() {
    mode = "decide";
    ticks = { question: true, answer: true };
    said = "";
    clock.start();
  }

  const name = (one) => one && `${one.id} ${one.check || ""}`;

  /* What comes next: of what the page has already, the server names no more than that. */
  function entries(card) {
    const known = Object.fromEntries([value, ...(value.next || [])].map((entry) => [name(entry.item), entry]));
    return (card.next || []).map((entry) => (entry.item ? entry : known[`${entry.pair} ${entry.check || ""}`])).filter(Boolean);
  }

  /* An answer to what was decided, while more was decided since: what comes after what is shown now. */
  function handOver(card) {
    const all = [card, ...entries(card)];
    const place = card.item && value.item ? all.findIndex((entry) => name(entry.item) === name(value.item)) : -1;
    if (place >= 0) value.next = all.slice(place + 1);
  }

  /* Somebody writes, or looks for a reason: nothing moves under their hands. */
  function showBehind(given) {
    const { item, picture } = value;
    const next = entries(given).filter((entry) => name(entry.item) !== name(item));
    value = { ...given, advice: value.advice, item, picture, next };
    const before = element.querySelector(".review-line");
    if (before) before.replaceWith(drawLine());
  }

  function show() {
    const before = name(value.item);
    const given = props.value || {};
    // The tab was opened again: what stands here is brought up to date, and stays.
    if (given.again) return leaml.project() ? (value.item ? send("open") : send("first")) : null;
    if (saving.behind() && mode !== "decide" && given.item) return showBehind(given);
    // The advice is given when the page is loaded, and stands until it is again.
    value = { advice: value.advice, ...given, next: entries(given) };
    const draft = leaml.kept.get(draftName());
    const item = value.item && value.item.id;
    if (name(value.item) !== before) begin();
    else if (mode === "comment" || mode === "many") mode = "decide";
    offer = value.many || null;
    if (offer) mode = "many";
    else if (draft && draft.pair === item && undecided()) {
      mode = "edit";
      edited = draft.edited;
    } else if (draft && value.fresh) send("open", { pair: draft.pair, check: null });
    else if (draft) leaml.kept.set(draftName(), null);
    if (value.said && mode === "reject") mode = "decide";
    draw();
    answerFirst();
    if (value.fresh) saving.resume();
  }

  const digits = Object.fromEntries([..."123456789"].map((key) => [key, () => digit(Number(key))]));
  leaml.onKeys(element, {
    ...digits,
    a: decide(accept),
    e: decide(() => turn("edit")),
    x: decide(() => turn("reject")),
    q: decide(() => tick("question")),
    t: decide(() => tick("answer")),
    s: skip,
    f: flag,
    c: () => (mode === "decide" ? turn("comment") : false),
    b: openMany,
    l: history,
    u: undo,
    "Ctrl+z": undo,
    ArrowLeft: go("move", { by: -1 }),
    ArrowRight: go("move", { by: 1 }),
    Enter: (event) => (event.target.matches("[data-part=said]") ? say(said) : false),
    "Ctrl+Enter": save,
    Escape: escape,
  }, ["Ctrl+Enter", "Escape", "Enter"]);
  watch("value", show);
  show();
};
