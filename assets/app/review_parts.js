/* Parts around the suggestion of the Review screen: other suggestions on the picture, the line of queue and progress,
   samples and "Accept many…". Plain functions from the card's value to elements. */

window.leaml = window.leaml || {};

leaml.reviewParts = (function () {
  // Looked up when they are called: the scripts may come in any order.
  const make = (...given) => leaml.make(...given);
  const button = (...given) => leaml.button(...given);

  /* What changes from one text to the other, word by word: <del> and <ins> (longest common subsequence). */
  function difference(before, after) {
    const [a, b] = [before, after].map((text) => text.split(/\s+/).filter(Boolean));
    const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i -= 1)
      for (let j = b.length - 1; j >= 0; j -= 1)
        longest[i][j] = a[i] === b[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    const found = [];
    const say = (tag, word) => found.push(tag ? make(tag, {}, word) : word, " ");
    let [i, j] = [0, 0];
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) {
        say(null, a[i]);
        i += 1;
        j += 1;
      } else if (j >= b.length || (i < a.length && longest[i + 1][j] >= longest[i][j + 1])) say("del", a[i++]);
      else say("ins", b[j++]);
    }
    return found;
  }

  function beside({ item, words }, open) {
    if (item.beside.length < 2) return null;
    return make("div", { class: "review-beside" }, make("h3", {}, words.also),
      make("ul", {}, item.beside.map((other) =>
        make("li", { class: other.id === item.id ? "here" : null },
          button(`${other.question} — ${other.answer}`, "", () => open(other.id), {
            class: "label-row", title: `${other.question} — ${other.answer}`,
          }),
          make("span", { class: "quiet" }, other.state)))));
  }

  // The line: queue, filters, progress --------------------------------------------------------------------------------

  function chooser(value, name, look) {
    const { view, choices, words } = value;
    const chosen = view[name] === null ? "" : String(view[name]);
    const select = make("select", {
      "data-part": `choose-${name}`, "aria-label": words[name], title: words[name],
      onchange: () => look({ [name]: select.value === "" ? null : name === "job" ? Number(select.value) : select.value }),
    }, choices[name].map(([key, text]) => make("option", { value: key, selected: key === chosen }, text)));
    return make("label", {}, words[name], select);
  }

  function line(value, whole, look, openMany) {
    const { view, choices, words, sample } = value;
    const names = view.queue === "audit" ? ["queue"] : ["queue", "trust", "type", "status"];
    if (view.queue === "fix" && choices.job.length > 2) names.push("job"); // any, and more than one
    if (view.queue === "fix" && view.status !== "suggested") names.push("reviewer");
    const blind = make("label", { class: "review-blind" },
      make("input", { type: "checkbox", checked: view.blind, "data-part": "blind", onchange: () => look({ blind: !view.blind }) }),
      words.blind);
    return make("footer", { class: "review-line" },
      sample || !whole ? null : make("div", { class: "review-filters", title: choices.help[view.queue] },
        names.map((name) => chooser(value, name, look)), blind,
        button(words.many, "B", openMany, { class: "card-quiet", "data-part": "many" })),
      make("p", { class: "card-standing", title: value.people.join("\n") }, value.standing),
      value.people.length > 1 ? make("p", { class: "card-standing" }, `${words.people}: ${value.people.join(", ")}`) : null,
      value.advice ? make("p", { class: "card-standing", "data-part": "advice" }, value.advice) : null,
      make("p", { role: "status", class: "card-said" }, value.said || ""));
  }

  // Samples -----------------------------------------------------------------------------------------------------------

  function warnings(value, act) {
    return (value.warnings || []).map((warning) =>
      make("div", { class: "review-warning", role: "alert" }, make("p", {}, warning.text),
        button(warning.back, "", () => act("back", { audit: warning.audit }), {})));
  }

  function sample(value, act) {
    const { sample: found } = value;
    if (!found) return [];
    const share = found.share === undefined ? null
      : make("div", { class: "review-share" }, make("i", { style: `width: ${100 * found.share}%` }));
    const rest = found.rest && button(found.rest, "Ctrl ↵", () => act("rest", { audit: found.audit }), {
      class: "card-primary", "data-part": "rest",
    });
    const end = found.end && button(found.end, "", () => act("end", { audit: found.audit }), { class: "card-quiet" });
    return [make("div", { class: `review-sample ${found.outcome}`, role: "status" }, share, make("p", {}, found.text),
      make("div", { class: "card-buttons" }, rest,
        button(found.close, value.item ? "" : "Esc", () => act("close"), { class: found.outcome === "open" ? "card-quiet" : null, "data-part": "close" }),
        end))];
  }

  function begin(offer, number, act) {
    const plan = offer.plans[number - 1];
    return plan ? act("begin", { view: offer.view, allowed: plan.allowed, tries: plan.tries }) : false;
  }

  /* "Accept many…": which suggestions, then how large a sample. */
  function many(offer, value, act, close) {
    const { words } = offer;
    const again = (change) => act("offer", { view: { ...offer.view, ...change } });
    const choosers = ["trust", "type", "job"].map((name) => chooser({ ...value, view: offer.view }, name, again));
    const plans = offer.plans.map((plan, place) =>
      button(plan.words, String(place + 1), () => begin(offer, place + 1, act), {
        class: plan.advised ? "review-plan card-primary" : "review-plan", title: plan.more, "data-part": "plan",
      }));
    return make("div", { class: "review-many" }, make("h2", {}, words.title), make("p", {}, words.text),
      make("div", { class: "review-filters" }, choosers), make("p", { class: "review-count" }, offer.count),
      plans.length ? make("h3", {}, words.plan) : null,
      plans.map((plan, place) => make("div", {}, plan, make("p", { class: "quiet" }, offer.plans[place].more))),
      offer.open.map((open) => make("div", { class: "card-buttons" },
        button(words.resume, "", () => act("resume", { audit: open.audit }), {}), make("span", { class: "quiet" }, open.words))),
      make("div", { class: "card-buttons" }, button(words.close, "Esc", close, { class: "card-quiet" })));
  }

  return { difference, beside, line, warnings, sample, begin, many };
})();
