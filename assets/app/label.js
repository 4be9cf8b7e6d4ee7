/* The form of the Label screen: the questions on one picture, one of them open, answered by digits or by clicks, with
   marks on the picture. What is typed is kept in this browser, at every key, until it is saved. The value comes from
   app/screens/label.py, `shown`; own questions and the list of usual ones stand in label_questions.js. */

window.leaml = window.leaml || {};

leaml.label = function (element, props, watch, trigger) {
  const { make, button } = leaml;
  const SEPARATOR = "; ";
  const MOST_SHOWN_NUMBERS = 6;
  const SHAPES = [["point", "P"], ["box", "B"], ["region", "G"]];
  const ask = leaml.requests("label", trigger);
  const clock = leaml.clock();
  let value = {};
  let drafted = {}; // {answers, marks, untold: by question; own: [row], adding: row or null, comment}
  let open = 0;
  let message = null;
  let sure = false; // what lacks was said once
  let mode = ""; // skip, comment: what stands in the place of the buttons; questions, blank: of everything
  let awaited = null; // version of a picture that is being blacked out
  let shape = null; // what is being drawn; blank: a region to be blacked out

  const draftName = (picture) => `label.${value.project}.${value.person}.${picture}`;
  const lastName = () => `label.${value.project}.${value.person}.last`;
  const rows = () => (value.picture ? [...value.questions, ...drafted.own] : []);
  const kind = (row) => value.types.find((type) => type.key === row.type) || { control: "text", choices: [] };
  const choices = (row) => (row.choices && row.choices.length ? row.choices : kind(row).choices);
  const control = (row) => {
    const wanted = kind(row).control;
    return (wanted === "one" || wanted === "several") && !choices(row).length ? "text" : wanted;
  };
  const untold = (row) => drafted.untold[row.question] ?? row.untold ?? false;
  const answer = (row) => (untold(row) ? "" : drafted.answers[row.question] ?? row.answer ?? "");
  const marks = (row) => drafted.marks[row.question] ?? row.marks ?? [];
  const told = (row) => Boolean(answer(row).trim()) || untold(row);
  const differs = (row) => answer(row) !== (row.answer ?? "") || JSON.stringify(marks(row)) !== JSON.stringify(row.marks ?? []);
  const changed = () => rows().filter((row) => answer(row).trim() && (differs(row) || row.untold));
  const newlyUntold = () => rows().filter((row) => untold(row) && !row.untold);

  function keep() {
    sure = false;
    message = null;
    const parts = [drafted.answers, drafted.marks, drafted.untold, drafted.own];
    const empty = !drafted.adding && !drafted.comment && parts.every((part) => !Object.keys(part).length);
    leaml.kept.set(draftName(value.picture.id), empty ? null : drafted);
    leaml.kept.set(lastName(), empty ? null : { picture: value.picture.id, pool: value.pool });
  }

  // Answering -------------------------------------------------------------------------------------------------------

  function goOn() {
    const next = rows().findIndex((other, place) => place > open && !told(other));
    if (next >= 0) open = next;
    stopMarking();
  }

  function give(row, text, done) {
    drafted.answers[row.question] = text;
    drafted.untold[row.question] = false;
    keep();
    if (done) goOn();
    draw(done);
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

  function cannotTell() {
    const row = rows()[open];
    if (!row) return;
    drafted.untold[row.question] = !untold(row);
    keep();
    if (untold(row)) goOn();
    draw();
  }

  function digit(number) {
    if (mode === "skip") return skip(value.reasons[number - 1]);
    const row = rows()[open];
    if (!row || mode) return false;
    if (control(row) === "number") return give(row, String(number), true);
    const offered = control(row) === "text" ? [] : choices(row);
    if (offered.length && number === offered.length + 1) return cannotTell();
    if (offered[number - 1] === undefined) return false;
    choose(row, offered[number - 1]);
  }

  function goTo(place) {
    if (!rows().length) return;
    open = Math.min(Math.max(place, 0), rows().length - 1);
    stopMarking();
    draw(true);
  }

  // Marks -----------------------------------------------------------------------------------------------------------

  const viewer = () => leaml.viewers && leaml.viewers[value.viewer];

  function showMarks() {
    if (!viewer() || !value.picture) return;
    const region = mode === "blank" ? [{ shape: "box", points: value.region }] : [];
    const labelled = rows().flatMap((row, place) => marks(row).map((mark) => ({ ...mark, label: String(place + 1) })));
    viewer().marks(value.picture.id, [...labelled, ...region]);
  }

  function stopMarking() {
    if (shape && viewer()) viewer().stop();
    shape = null;
  }

  function mark(wanted) {
    const row = rows()[open];
    if (!row || !viewer()) return false;
    const again = shape === wanted;
    stopMarking();
    if (!again) {
      shape = wanted;
      viewer().mark(wanted, (points) => {
        drafted.marks[row.question] = [...marks(row), { shape: wanted, points }];
        if (row.type === "location" && !answer(row) && choices(row).length === 9) {
          drafted.answers[row.question] = choices(row)[leaml.ninth(points)];
          drafted.untold[row.question] = false;
        }
        keep();
        stopMarking();
        draw();
      });
    }
    draw();
  }

  function unmark() {
    const row = rows()[open];
    if (!row || !marks(row).length) return false;
    drafted.marks[row.question] = marks(row).slice(0, -1);
    keep();
    draw();
  }

  // Sending ---------------------------------------------------------------------------------------------------------

  function send(act, more = {}) {
    if (!value.picture && act !== "pool" && act !== "undo") return false;
    return ask({ act, pool: value.pool, picture: value.picture && value.picture.id, ...more });
  }

  /* What lacks, in words; null where nothing does. */
  function lacking(given) {
    const alone = rows().find((row) => marks(row).length && differs(row) && !answer(row).trim());
    if (alone) return value.words.mark_alone.replace("{question}", alone.question);
    if (drafted.adding && drafted.adding.question.trim()) return value.words.not_added;
    if (sure) return null;
    const open = value.questions.filter((row) => row.usual && !told(row)).length;
    if (!given) return value.words.nothing;
    if (open) return open === 1 ? value.words.unanswered_one : value.words.unanswered.replace("{n}", open);
    return null;
  }

  function save() {
    if (!value.picture || mode === "questions" || mode === "blank") return;
    const given = changed();
    const apart = newlyUntold();
    const nothing = !given.length && !apart.length;
    if (nothing && rows().some(told)) return send("next");
    const lacks = lacking(!nothing);
    if (lacks) {
      message = lacks;
      sure = !lacks.startsWith(value.words.mark_alone.split("{")[0]) && lacks !== value.words.not_added;
      return draw();
    }
    const answers = given.map((row) => ({
      question: row.question, type: row.type, choices: choices(row), answer: answer(row), marks: marks(row),
    }));
    send("save", { answers, untold: apart.map((row) => row.question), nothing, seconds: clock.seconds() });
  }

  function skip(reason) {
    if (mode === "skip") return reason === undefined ? false : send("skip", { text: reason });
    change("skip");
  }

  function change(wanted) {
    if (!value.picture) return;
    mode = mode === wanted ? "" : wanted;
    draw();
    if (mode === "comment") element.querySelector("[data-part=comment]").focus();
  }

  function comment() {
    const text = (drafted.comment ?? "").trim();
    if (text) send("comment", { text });
    else change("comment");
  }

  function black(scope) {
    awaited = value.picture.version;
    send("blank", { region: value.region, scope });
    setTimeout(lookAgain, 1500);
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  function drawControl(row) {
    const given = answer(row);
    const type = (text) => {
      drafted.answers[row.question] = text;
      drafted.untold[row.question] = false;
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

  function drawTools(row) {
    const { words } = value;
    const offered = ["text", "number"].includes(control(row)) ? 99 : choices(row).length;
    const count = marks(row).length;
    return make("div", { class: "label-tools" },
      button(words.cannot_tell, offered < 9 ? String(offered + 1) : "T", cannotTell, {
        "aria-pressed": String(untold(row)), "data-part": "untold",
      }),
      make("span", { class: "label-marks", role: "group", "aria-label": words.mark },
        SHAPES.map(([name, key]) =>
          button(words[name], key, () => mark(name), { class: "card-quiet", "aria-pressed": String(shape === name), "data-part": name })),
        count ? button(words.unmark, "D", unmark, { class: "card-quiet", "data-part": "unmark" }) : null));
  }

  const given = (row) => {
    if (untold(row)) return value.words.cannot_tell;
    const count = marks(row).length;
    return answer(row) + (count ? ` · ${count === 1 ? value.words.marks_one : value.words.marks.replace("{n}", count)}` : "") || "–";
  };

  function drawRow(row, place) {
    if (place !== open || mode === "skip")
      return make("li", {},
        button(row.question, "", () => goTo(place), { class: "label-row", title: row.question }),
        make("span", { class: told(row) ? "label-given" : "label-given quiet", title: given(row) }, given(row)));
    return make("li", { class: "label-open" },
      make("p", { class: "label-question" }, row.question),
      row.by ? make("p", { class: "quiet" }, row.by) : null,
      control(row) === "several" ? make("p", { class: "quiet" }, value.words.several) : null,
      drawControl(row),
      drawTools(row),
      shape ? make("p", { class: "quiet" }, value.words.marking) : null);
  }

  function drawPools() {
    return make("label", { class: "label-pool quiet" }, value.words.pool,
      make("select", { "data-part": "pool", onchange: (event) => send("pool", { pool: event.target.value }) },
        value.pools.map((pool) => make("option", { value: pool.key, selected: pool.key === value.pool }, pool.name))));
  }

  /* Names that may be written into the picture: looked for, and blacked out or found absent. */
  function drawNames() {
    const { words } = value;
    if (shape === "blank") return make("span", { class: "quiet" }, words.blank_draw);
    return make("span", { class: "label-names" },
      button(words.blank, "", () => {
        stopMarking();
        shape = "blank";
        viewer().mark("box", (region) => {
          stopMarking();
          send("scopes", { region });
        });
        draw();
      }, { class: "card-quiet", "data-part": "blank" }),
      value.burned_in
        ? button(words.no_names, "", () => send("no_names"), { class: "card-quiet", "data-part": "no-names" })
        : null);
  }

  function drawButtons() {
    const { words } = value;
    return [
      make("div", { class: "card-buttons" },
        button(words.save, "Ctrl ↵", save, { class: rows().length ? "card-primary" : "", "data-part": "save" }),
        button(words.skip, "S", () => skip(), { "data-part": "skip" })),
      value.comment ? make("p", { class: "label-comment" }, value.comment) : null,
      make("div", { class: "card-buttons label-quiet" },
        button(words.before, "←", () => send("move", { by: -1 }), { class: "card-quiet" }),
        button(words.after, "→", () => send("move", { by: 1 }), { class: "card-quiet" }),
        button(words.undo, "U", () => send("undo"), { class: "card-quiet", "data-part": "undo" }),
        button(value.flagged ? words.flagged : words.flag, "F", () => send("flag"), {
          class: "card-quiet", "data-part": "flag", "aria-pressed": String(value.flagged),
        }),
        button(words.comment, "C", () => change("comment"), { class: "card-quiet", "data-part": "comment-open" })),
    ];
  }

  function drawForm() {
    const { words } = value;
    const edit = () => send("edit");
    return [
      make("header", {}, make("span", { class: "label-place", title: value.picture.place }, value.picture.place), drawPools(),
        button(words.questions, "", edit, { class: "card-quiet", "data-part": "edit" })),
      value.picture.why
        ? make("p", { class: "quiet label-why" }, make("span", {}, value.picture.why),
            button(value.picture.change, "", () => send(value.picture.other), { class: "card-quiet", "data-part": "order" }))
        : null,
      value.blind ? make("p", { class: "quiet" }, value.blind) : null,
      rows().length
        ? make("ol", { class: "label-rows" }, rows().map(drawRow))
        : make("div", { class: "label-asked" }, make("p", {}, words.none_asked),
            button(words.choose, "", edit, { class: "card-primary", "data-part": "choose" })),
      mode === "skip" ? null : make("div", { class: drafted.adding ? "" : "label-more" },
        leaml.ownQuestion(value, drafted, { keep, draw, kind, taken, added, again }, (text) => (message = text)),
        drawNames()),
      make("p", { class: "card-alert", role: "alert" }, message || value.error || ""),
      ...(mode === "skip"
        ? [leaml.reasons(value, skip, () => change("skip"))]
        : mode === "comment"
          ? [leaml.comment(value, drafted, keep, comment, () => change("comment"))]
          : drawButtons()),
      make("footer", {}, make("p", { class: "card-standing" }, value.standing),
        make("p", { role: "status", class: "card-said" }, value.said || "")),
    ];
  }

  const taken = (text) => rows().some((row) => row.question.toLowerCase() === text.toLowerCase());
  const added = (row) => {
    drafted.own.push(row);
    open = rows().length - 1;
    keep();
    draw(true);
  };
  const again = (row) => {
    keep();
    send("again", { questions: [row] });
  };

  function draw(focusAnswer) {
    const part = element.contains(document.activeElement) && document.activeElement.dataset.part;
    const whole = ["questions", "blank"].includes(mode) ? mode : "form";
    const state = value.empty ? "empty" : value.picture ? whole : "waits";
    const scrolled = element.querySelector(".label-rows");
    const at = scrolled ? scrolled.scrollTop : 0;
    const card = make("section", { class: "card drawn", "data-state": state });
    if (value.empty) card.append(...leaml.emptyState(value.empty, value.pools ? drawPools() : null));
    else if (state === "questions") leaml.questionList(card, value, (questions) => send("questions", { questions }), () => change("questions"));
    else if (state === "blank") leaml.scopes(card, value, black, () => change("blank"));
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
    showMarks();
  }

  function show() {
    const before = value.picture && value.picture.id;
    const given = props.value || {};
    // The tab was opened again: what stands here is brought up to date, and stays.
    if (given.again) return leaml.project() ? ask({ act: "open", pool: value.pool || "train", picture: before || null }) : null;
    value = given;
    message = null;
    sure = false;
    mode = value.templates ? "questions" : value.scopes ? "blank" : "";
    stopMarking();
    if (value.saved) [draftName(value.saved), lastName()].forEach((name) => leaml.kept.set(name, null));
    if (value.picture) {
      const draft = value.draft || leaml.kept.get(draftName(value.picture.id));
      drafted = { answers: {}, marks: {}, untold: {}, own: [], adding: null, comment: "", ...draft };
      // What was an own question may be a usual one by now.
      drafted.own = drafted.own.filter((row) => !value.questions.some((other) => other.question === row.question));
      if (value.draft) keep();
      if (before !== value.picture.id) {
        clock.start();
        open = Math.max(0, rows().findIndex((row) => !told(row)));
      }
      open = Math.min(open, Math.max(0, rows().length - 1));
      const last = value.fresh && leaml.kept.get(lastName());
      if (last && last.picture !== value.picture.id) send("open", last);
    }
    draw();
  }

  /* Looks again until the picture that is being blacked out is another one; never while somebody types. */
  function lookAgain() {
    if (!awaited || !value.picture || value.picture.version !== awaited) return (awaited = null);
    if (!leaml.isTyping(document.activeElement)) send("open");
    setTimeout(lookAgain, 1500);
  }

  const free = (action) => () => (mode || !value.picture ? false : action());
  const arrows = { ArrowUp: free(() => goTo(open - 1)), ArrowDown: free(() => goTo(open + 1)) };
  const digits = Object.fromEntries([..."0123456789"].map((key) => [key, () => digit(Number(key))]));
  const shapes = Object.fromEntries(SHAPES.map(([name, key]) => [key.toLowerCase(), free(() => mark(name))]));
  leaml.onKeys(element, {
    ...arrows,
    ...digits,
    ...shapes,
    d: free(unmark),
    t: free(cannotTell),
    f: free(() => send("flag")),
    c: free(() => change("comment")),
    s: () => (mode === "skip" ? skip("") : mode ? false : skip()),
    ArrowLeft: free(() => send("move", { by: -1 })),
    ArrowRight: free(() => send("move", { by: 1 })),
    u: () => (mode ? false : send("undo")),
    "Ctrl+z": () => (mode ? false : send("undo")),
    "Ctrl+Enter": save,
    Escape: () => {
      document.activeElement.blur();
      if (shape) stopMarking();
      else if (mode && mode !== "questions") mode = "";
      draw();
    },
  }, ["Ctrl+Enter", "ArrowUp", "ArrowDown", "Escape"]);
  watch("value", show);
  show();
};

/* Which ninth of the picture the middle of a mark lies in, row by row from the upper left. */
leaml.ninth = function (points) {
  const [across, down] = [0, 1].map((axis) => {
    const along = points.map((point) => point[axis]);
    return Math.min(2, Math.floor(((Math.min(...along) + Math.max(...along)) / 2) * 3));
  });
  return down * 3 + across;
};
