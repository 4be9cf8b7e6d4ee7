/* The Label screen's form: the questions on one picture, one of them open, answered by digits or by clicks, with marks on
   the picture. A save leads on at once where the next picture was handed over ahead, and is sent behind it (saving.js).
   What is answered stands in label_sheet.js, how it looks in label_form.js, what stands in its place in label_asides.js
   and label_questions.js. The value comes from app/labelling.py, `shown`. */

window.leaml = window.leaml || {};

leaml.label = function (element, props, watch) {
  const { make } = leaml;
  const AGAIN = 1500; // ms until it is looked again whether a picture was blacked out
  const saving = leaml.saving("label", {
    owner: () => ({ project: value.project, person: value.person }),
    changed: () => draw(),
    handed: (parts) => handOver(parts["label-form"]),
  });
  const sheet = leaml.labelSheet();
  const clock = leaml.clock();
  // mode: skip, comment: what stands in the place of the buttons; questions, blank: of everything.
  // shape: what is being drawn; blank: a region to be blacked out. sure: what was overlooked was said once.
  const state = { open: 0, mode: "", shape: null, message: null, sure: false };
  let value = {};
  let awaited = null; // version of a picture that is being blacked out

  const opened = () => sheet.rows()[state.open];

  function keep() {
    Object.assign(state, { sure: false, message: null });
    sheet.keep();
  }

  // Answering -------------------------------------------------------------------------------------------------------

  /* The open question is answered: on to the next that is not. */
  function goOn() {
    const next = sheet.rows().findIndex((other, place) => place > state.open && !sheet.told(other));
    if (next >= 0) state.open = next;
    stopMarking();
  }

  function give(row, text) {
    sheet.give(row, text);
    keep();
    goOn();
    draw(true);
  }

  function choose(row, choice) {
    if (sheet.control(row) === "one") return give(row, choice);
    const done = sheet.choose(row, choice);
    keep();
    if (done) goOn();
    draw(done);
  }

  function type(row, text) {
    sheet.give(row, text);
    keep();
  }

  function cannotTell() {
    if (!opened()) return;
    sheet.cannotTell(opened());
    keep();
    if (sheet.untold(opened())) goOn();
    draw();
  }

  function digit(number) {
    if (state.mode === "skip") return skip(value.reasons[number - 1]);
    const row = opened();
    if (!row || state.mode) return false;
    if (sheet.control(row) === "number") return give(row, String(number));
    const offered = sheet.control(row) === "text" ? [] : sheet.choices(row);
    if (offered.length && number === offered.length + 1) return cannotTell();
    if (offered[number - 1] === undefined) return false;
    choose(row, offered[number - 1]);
  }

  function goTo(place) {
    if (!opened()) return;
    state.open = Math.min(Math.max(place, 0), sheet.rows().length - 1);
    stopMarking();
    draw(true);
  }

  const own = {
    keep,
    draw: () => draw(),
    kind: sheet.kind,
    taken: (text) => sheet.rows().some((row) => row.question.toLowerCase() === text.toLowerCase()),
    added(row) {
      sheet.add(row);
      state.open = sheet.rows().length - 1;
      keep();
      draw(true);
    },
    again(row) {
      keep();
      send("again", { questions: [row] });
    },
  };

  // Marks -----------------------------------------------------------------------------------------------------------

  const viewer = () => leaml.viewers && leaml.viewers[value.viewer];

  function showMarks() {
    if (!viewer() || !value.picture) return;
    const region = state.mode === "blank" ? [{ shape: "box", points: value.region }] : [];
    const labelled = sheet.rows().flatMap((row, place) =>
      sheet.marks(row).map((mark) => ({ ...mark, label: String(place + 1) })));
    viewer().marks(value.picture.id, [...labelled, ...region]);
  }

  function stopMarking() {
    if (state.shape && viewer()) viewer().stop();
    state.shape = null;
  }

  function beginMarking(shape, drawn, done) {
    stopMarking();
    state.shape = shape;
    viewer().mark(drawn, (points) => {
      stopMarking();
      done(points);
    });
    draw();
  }

  function mark(shape) {
    const row = opened();
    if (!row || !viewer()) return false;
    if (state.shape === shape) {
      stopMarking();
      return draw();
    }
    beginMarking(shape, shape, (points) => {
      sheet.mark(row, shape, points);
      keep();
      draw();
    });
  }

  const drawBlank = () => viewer() && beginMarking("blank", "box", (region) => send("scopes", { region }));

  function unmark() {
    if (!opened() || !sheet.marks(opened()).length) return false;
    sheet.unmark(opened());
    keep();
    draw();
  }

  // Sending ---------------------------------------------------------------------------------------------------------

  const sent = (act, more) => ({ act, pool: value.pool, picture: value.picture && value.picture.id, ...more });
  const ahead = () => (value.next && value.next.length ? { line: value.next.map((entry) => entry.id) } : {});

  /* Asks for something, and waits for it. */
  function send(act, more) {
    if (!value.picture && act !== "pool" && act !== "undo") return false;
    return saving.add(sent(act, more), { keeps: false });
  }

  /* The same picture is shown again: what was handed ahead is held on to. */
  const stay = (act, more) => send(act, { ...ahead(), ...more });

  /* Leaves the picture: the next one is shown at once where it is here already. */
  function leave(act, more) {
    const before = value;
    const [first, ...rest] = value.next || [];
    const back = () => goOver(before, before.image, before.next);
    const settings = { about: value.picture.place, moved: Boolean(first), keeps: act !== "next", back: first && back };
    if (!saving.add(sent(act, { ...ahead(), ...more }), settings)) return false;
    if (first) goOver(first.form, first.image, rest);
  }

  function goOver(form, image, next) {
    value = { ...value, ...form, draft: null, image, next, said: saving.waits() ? leaml.words().saving : "" };
    begin();
    draw();
    leaml.fill({ parts: { [value.viewer]: { ...image, next: next.map((entry) => entry.image) } } });
  }

  const undo = () => saving.takeBack() || send("undo");
  const openAgain = ({ pool, picture }) => saving.add({ act: "open", pool, picture }, { keeps: false });

  function save() {
    if (!value.picture || state.mode === "questions" || state.mode === "blank") return;
    const given = sheet.given();
    const nothing = !given.answers.length && !given.untold.length;
    if (nothing && sheet.rows().some(sheet.told)) return leave("next");
    state.message = sheet.unfinished();
    if (!state.message && !state.sure) {
      state.message = sheet.overlooked(nothing);
      state.sure = true;
    }
    if (state.message) return draw();
    leave("save", { ...given, nothing, seconds: clock.seconds() });
  }

  function skip(reason) {
    if (state.mode === "skip") return reason === undefined ? false : leave("skip", { text: reason });
    change("skip");
  }

  function change(wanted) {
    if (!value.picture) return;
    state.mode = state.mode === wanted ? "" : wanted;
    state.message = null;
    draw();
    if (state.mode === "comment") element.querySelector("[data-part=comment]").focus();
  }

  function comment() {
    const text = (sheet.drafted().comment ?? "").trim();
    if (text) stay("comment", { text });
    else change("comment");
  }

  function black(scope) {
    awaited = value.picture.version;
    send("blank", { region: value.region, scope });
    setTimeout(lookAgain, AGAIN);
  }

  /* Looks again until the picture that is being blacked out is another one; never while somebody types. */
  function lookAgain() {
    if (!awaited || !value.picture || value.picture.version !== awaited) return (awaited = null);
    if (!leaml.isTyping(document.activeElement)) send("open");
    setTimeout(lookAgain, AGAIN);
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  const acts = {
    type, give, choose, cannotTell, goTo, mark, unmark, drawBlank, send, save, skip, change, comment, keep, own, undo,
    flag: () => stay("flag"),
    say: (message) => (state.message = message),
  };

  function draw(focusAnswer) {
    const whole = ["questions", "blank"].includes(state.mode) ? state.mode : "form";
    const kind = value.empty ? "empty" : value.picture ? whole : "waits";
    const card = make("section", { class: "card drawn", "data-state": kind });
    card.append(...saving.parts(openAgain));
    if (kind === "empty") card.append(...leaml.emptyState(value.empty, value.pools ? leaml.labelPools(value, send) : null));
    else if (kind === "questions") leaml.questionList(card, value, (questions) => send("questions", { questions }), () => change("questions"));
    else if (kind === "blank") leaml.scopes(card, value, black, () => change("blank"));
    else if (kind === "form") card.append(...leaml.labelForm(value, sheet, state, acts));
    const at = (element.querySelector(".label-rows") || {}).scrollTop || 0;
    leaml.redraw(element, card);
    const list = element.querySelector(".label-rows");
    if (list) list.scrollTop = at;
    const open = element.querySelector(".label-open");
    if (open && list) leaml.bringIntoView(list, open);
    if (focusAnswer && open && sheet.control(opened()) === "text") open.querySelector("input").focus();
    showMarks();
  }

  // What came -------------------------------------------------------------------------------------------------------

  function show() {
    const before = value.picture && value.picture.id;
    const given = props.value || {};
    // The tab was opened again: what stands here is brought up to date, and stays.
    if (given.again) return leaml.project() ? openAgain({ pool: value.pool || "train", picture: before || null }) : null;
    if (given.saved) sheet.forget(given.saved);
    if (saving.behind() && given.picture && before === given.picture.id) return showBehind(given);
    value = { ...given, next: entries(given) };
    if (value.picture && value.picture.id !== before) begin();
    else takeUp();
    state.mode = value.templates ? "questions" : value.scopes ? "blank" : "";
    draw();
    if (!value.fresh || saving.resume() || !value.picture) return;
    const last = sheet.last();
    if (last && last.picture !== value.picture.id) send("open", last);
  }

  /* Another picture is shown: its first question that nobody answered is open. */
  function begin() {
    takeUp();
    clock.start();
    state.open = Math.max(0, sheet.rows().findIndex((row) => !sheet.told(row)));
  }

  /* The picture that is shown came anew: what was typed about it is there still. */
  function takeUp() {
    Object.assign(state, { message: null, sure: false, mode: "" });
    stopMarking();
    sheet.take(value);
    state.open = Math.min(state.open, Math.max(0, sheet.rows().length - 1));
  }

  /* What comes next: of what the page has already, the server names no more than that. */
  function entries(form) {
    const known = Object.fromEntries((value.next || []).map((entry) => [entry.id, entry]));
    return (form.next || []).map((entry) => (entry.form ? entry : known[entry.id])).filter(Boolean);
  }

  /* An answer to what was saved, while more was saved since: what comes after what is shown now. */
  function handOver(form) {
    if (form.saved) sheet.forget(form.saved);
    const all = [form.picture ? { id: form.picture.id } : {}, ...(form.next || [])];
    const place = value.picture ? all.findIndex((entry) => entry.id === value.picture.id) : -1;
    if (place >= 0) value.next = entries({ next: all.slice(place + 1) });
  }

  /* The picture before is saved, and this one is being answered already: nothing moves under anybody's hands. */
  function showBehind(given) {
    const at = opened();
    value = { ...given, next: entries(given) };
    sheet.take(value);
    state.open = Math.max(0, sheet.rows().findIndex((row) => at && row.question === at.question));
    draw();
  }

  // Keys ------------------------------------------------------------------------------------------------------------

  const free = (action) => () => (state.mode || !value.picture ? false : action());
  const digits = Object.fromEntries([..."0123456789"].map((key) => [key, () => digit(Number(key))]));
  const shapes = Object.fromEntries(leaml.SHAPES.map(([name, key]) => [key.toLowerCase(), free(() => mark(name))]));
  leaml.onKeys(element, {
    ...digits,
    ...shapes,
    d: free(unmark),
    t: free(cannotTell),
    f: free(acts.flag),
    c: free(() => change("comment")),
    s: () => (state.mode === "skip" ? skip("") : state.mode ? false : skip()),
    ArrowUp: free(() => goTo(state.open - 1)),
    ArrowDown: free(() => goTo(state.open + 1)),
    ArrowLeft: free(() => send("move", { by: -1 })),
    ArrowRight: free(() => send("move", { by: 1 })),
    u: () => (state.mode ? false : undo()),
    "Ctrl+z": () => (state.mode ? false : undo()),
    "Ctrl+Enter": save,
    Escape: () => {
      document.activeElement.blur();
      if (state.shape) stopMarking();
      else if (state.mode && state.mode !== "questions") state.mode = "";
      draw();
    },
  }, ["Ctrl+Enter", "ArrowUp", "ArrowDown", "Escape"]);
  watch("value", show);
  show();
};
