/* "People and progress": one folded part of the Review screen. Its values come from app/people.py; a view is asked for
   when it is opened. The history of a question opens above everything, for the card as well: leaml.history(pair). */

window.leaml = window.leaml || {};

leaml.people = function (element, props, watch) {
  const { make } = leaml;
  const ask = leaml.requests("people");
  const views = leaml.peopleViews;
  let value = {};
  let current = "progress";
  let isOpen = false;
  let unfolds = false; // somebody opened it just now: what comes is brought into view

  const open = (view) => ask({ act: "show", view });
  leaml.history = (pair) => ask({ act: "history", pair });

  /* What the views may do: ask for their own view anew, or for something done there. */
  const act = (more) => ask({ act: "show", view: current, ...more });
  act.settle = (pair) => {
    if (ask({ act: "settle", pair })) document.getElementById("review-card").scrollIntoView({ block: "nearest" });
  };
  act.history = leaml.history;

  function drawViews() {
    return make("div", { class: "drawn views", role: "tablist" }, value.views.map(([key, words]) =>
      make("button", {
        type: "button", role: "tab", "aria-selected": String(key === current), "data-part": `people-${key}`,
        onclick: () => open(key),
      }, words)));
  }

  function draw() {
    if (!value.words) return element.replaceChildren();
    const inside = value.view
      ? [drawViews(), make("p", { role: "status", class: "card-said" }, value.said || ""),
         make("div", { class: "people-view" }, views[value.view](value[value.view], value.words, act))]
      : [];
    const folded = make("details", { class: "drawn card people", open: isOpen },
      make("summary", {}, value.words.title), inside);
    folded.addEventListener("toggle", () => {
      if (folded.open === isOpen) return;
      isOpen = unfolds = folded.open;
      if (isOpen) open(current);
    });
    element.replaceChildren(folded);
  }

  function show() {
    const given = props.value || {};
    if (given.history) return drawHistory(given.history, given.words);
    const focused = element.contains(document.activeElement) && document.activeElement.dataset.part;
    value = given;
    if (value.view) current = value.view;
    else if (isOpen && leaml.project()) open(current); // the page shows another project, or another person
    draw();
    if (focused) element.querySelector(`[data-part="${focused}"]`)?.focus({ preventScroll: true });
    if (unfolds && value.view) {
      unfolds = false;
      element.scrollIntoView({ block: "nearest" });
    }
  }

  function drawHistory(history, words) {
    const steps = history.steps.map((step) =>
      make("li", { class: step.withdrawn ? "withdrawn" : null }, views.when(step.time),
        make("div", {}, make("strong", {}, step.person), step.person ? " " : "", step.what,
          step.withdrawn ? ` (${words.withdrawn})` : "",
          step.after ? make("p", { class: "review-change" }, leaml.reviewParts.difference(step.before, step.after)) : null,
          step.more ? make("p", { class: "quiet" }, step.more) : null)));
    const dialog = make("dialog", { class: "drawn card people-history", "aria-label": words.history },
      make("header", {}, make("h2", {}, words.history)),
      make("div", { class: "people-row" }, make("img", { src: history.thumb, alt: "" }), make("p", {}, history.question)),
      steps.length ? make("ol", {}, steps) : make("p", {}, history.none),
      make("div", { class: "card-buttons" }, leaml.button(words.close, "Esc", () => dialog.close(), { "data-part": "close" })));
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    document.body.append(dialog);
    dialog.showModal();
  }
  watch("value", show);
  show();
};

/* The views: plain functions from what the server told to elements. */
leaml.peopleViews = (function () {
  const make = (...given) => leaml.make(...given);
  const button = (...given) => leaml.button(...given);
  const when = (time) =>
    make("time", { datetime: time, class: "quiet" }, new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
  const thumb = (source) => (source ? make("img", { src: source, alt: "", loading: "lazy" }) : make("span", {}));

  function table(head, rows, none) {
    if (!rows.length) return make("p", { class: "quiet" }, none);
    const [, ...figures] = head;
    return make("table", { class: "people-table" },
      make("thead", {}, make("tr", {}, make("td", {}), figures.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, rows.map(([name, ...cells]) =>
        make("tr", {}, make("th", { scope: "row" }, name), cells.map((cell) => make("td", {}, cell))))));
  }

  function progress(told) {
    const { people, checks } = told;
    return [
      make("div", { class: "people-lines" }, told.lines.map((line) => make("p", {}, line))),
      table(people.head, people.rows, people.none),
      told.samples.lines.length ? make("h3", {}, told.samples.title) : null,
      told.samples.lines.map((line) => make("p", {}, line)),
      checks ? [make("h3", {}, checks.title), make("p", { class: "quiet" }, checks.help),
                table(checks.head, checks.rows, checks.none)] : null,
    ];
  }

  function agreement(told, words, act) {
    const row = (one) =>
      make("li", { class: "people-row" }, thumb(one.thumb),
        make("div", {}, make("p", {}, make("strong", {}, one.question), " ", one.answer),
          one.said.map((said) => make("p", {}, `${said.name}: ${said.what}${said.more ? ` – ${said.more}` : ""}`))),
        make("div", { class: "card-buttons" },
          one.own ? make("span", { class: "quiet" }, one.own)
            : button(words.settle, "", () => act.settle(one.pair), { class: "card-primary", "data-part": "settle" }),
          button(words.history, "", () => act.history(one.pair), { class: "card-quiet" })));
    const answers = (one) =>
      make("li", { class: "people-row" }, thumb(one.thumb),
        make("div", {}, make("p", {}, make("strong", {}, one.question)), one.own ? make("p", { class: "quiet" }, one.own) : null),
        make("div", { class: "card-buttons" }, one.said.map((said) =>
          one.own ? make("span", {}, `${said.name}: ${said.answer}`)
            : button(`${said.name}: ${said.answer}`, "", () => act({ act: "take", pair: said.pair }), { title: words.take, "data-part": "take" }))));
    return [
      told.parts.map((part) => [make("h3", {}, part.title), make("p", {}, part.text)]),
      told.none ? make("p", {}, told.none) : null,
      told.scale ? make("p", { class: "quiet" }, told.scale) : null,
      told.none ? null : [make("h3", {}, told.disputes.title), make("p", { class: "quiet" }, told.disputes.help)],
      make("ul", {}, told.disputes.rows.map(row)),
      told.labels.rows.length ? [make("h3", {}, told.labels.title), make("p", { class: "quiet" }, told.labels.help)] : null,
      make("ul", {}, told.labels.rows.map(answers)),
    ];
  }

  function work(told, words, act) {
    const person = make("select", { "data-part": "work-person", onchange: () => act({ person: person.value }) },
      told.people.map((name) => make("option", { value: name, selected: name === told.person }, name)));
    const row = (step) =>
      make("li", { class: step.withdrawn ? "people-row withdrawn" : "people-row" }, when(step.time), thumb(step.thumb),
        make("div", {}, make("p", {}, make("strong", {}, step.what), step.withdrawn ? ` (${words.withdrawn})` : "",
          step.asked ? ` – ${step.asked}` : ""), step.more ? make("p", { class: "quiet" }, step.more) : null),
        step.pair ? button(words.history, "", () => act.history(step.pair), { class: "card-quiet", "data-part": "history" }) : null);
    const page = (text, name, event) =>
      button(text, "", () => act({ person: told.person, [name]: event }), { disabled: event === null, "data-part": `work-${name}` });
    return [
      told.people.length > 1 ? make("label", { class: "people-person" }, words.person, person) : null,
      told.steps.length ? make("ol", {}, told.steps.map(row)) : make("p", { class: "quiet" }, told.none),
      make("div", { class: "card-buttons" }, page(words.earlier, "before", told.earlier), page(words.later, "after", told.later)),
    ];
  }

  function settings(told, words, act) {
    const read = {};
    const field = (one) => {
      const known = { name: one.name, disabled: !told.may, "data-part": `setting-${one.name}` };
      let input;
      if (one.kind === "choice") {
        input = make("select", known, one.choices.map(([key, text]) => make("option", { value: key, selected: key === one.value }, text)));
        read[one.name] = () => input.value;
      } else if (one.kind === "tick") {
        input = make("input", { ...known, type: "checkbox", checked: one.value });
        read[one.name] = () => input.checked;
      } else {
        input = make("input", { ...known, type: "number", value: one.value, min: one.least, max: one.most, step: one.step });
        read[one.name] = () => input.value;
      }
      return make("label", { class: `people-field ${one.kind}` }, make("strong", {}, one.label), input, make("span", { class: "quiet" }, one.help));
    };
    const save = () => act({ act: "save", values: Object.fromEntries(Object.entries(read).map(([name, get]) => [name, get()])) });
    return [
      make("p", { class: "quiet" }, told.help),
      make("div", { class: "people-fields" }, told.fields.map(field)),
      told.may ? make("div", { class: "card-buttons" }, button(words.save, "", save, { class: "card-primary", "data-part": "save-settings" })) : null,
    ];
  }

  const password = (name, part, known) =>
    make("input", { type: "password", autocomplete: known ? "current-password" : "new-password", "aria-label": name, placeholder: name, "data-part": part });

  function ownAccount(told, words, act) {
    const current = password(words.current, "own-current", true);
    const next = password(words.new, "own-new", false);
    const change = () => act({ act: "own", current: current.value, password: next.value });
    return make("div", { class: "people-own" }, make("p", {}, told.own, " ", make("a", { href: "/logout" }, words.leave)),
      make("div", { class: "card-buttons" }, current, next, button(words.change, "", change, { "data-part": "own-change" })));
  }

  function accounts(told, words, act) {
    const own = told.own ? ownAccount(told, words, act) : null;
    if (!told.rows) return [told.help ? make("p", {}, told.help) : null, told.how ? make("p", { class: "quiet" }, told.how) : null, own];
    const roles = (chosen, more) =>
      make("select", { "aria-label": words.role, ...more }, told.roles.map(([key, text]) => make("option", { value: key, selected: key === chosen }, text)));
    const row = (one) => {
      const role = roles(one.role, { onchange: () => act({ act: "role", name: one.name, role: role.value }) });
      const line = make("li", { class: "people-account" }, make("strong", {}, one.name), role);
      const acts = make("div", { class: "card-buttons" });
      const rest = () => acts.replaceChildren(
        button(words.give, "", () => give(), { class: "card-quiet" }),
        button(words.remove, "", () => sure(), { class: "card-quiet" }));
      const back = () => button(words.back, "", rest, { class: "card-quiet" });
      function give() {
        const field = password(words.password, "given-password", false);
        const keep = () => act({ act: "password", name: one.name, password: field.value });
        acts.replaceChildren(field, button(words.keep, "", keep, {}), back());
        field.focus();
      }
      const sure = () =>
        acts.replaceChildren(button(`${words.sure} ${one.name}`, "", () => act({ act: "remove", name: one.name }), {}), back());
      rest();
      line.append(acts);
      return line;
    };
    const name = make("input", { type: "text", maxlength: 60, "aria-label": words.name, placeholder: words.name, "data-part": "account-name" });
    const first = password(words.password, "account-password", false);
    const role = roles("annotator", { "data-part": "account-role" });
    const add = () => act({ act: "add", name: name.value, role: role.value, password: first.value });
    return [
      make("p", { class: "quiet" }, told.help), make("ul", {}, told.rows.map(row)),
      make("div", { class: "people-account" }, name, role,
        make("div", { class: "card-buttons" }, first, button(words.add, "", add, { class: "card-primary", "data-part": "account-add" }))),
      make("p", { class: "quiet" }, told.how), own,
    ];
  }

  return { when, progress, agreement, work, settings, accounts };
})();
