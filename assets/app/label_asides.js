/* What stands in the place of the Label form's buttons, or of all of it, for a moment: why a picture is passed over, a
   comment, and what a region is blacked out on. */

window.leaml = window.leaml || {};

leaml.reasons = function (value, skip, leave) {
  const { make, button } = leaml;
  return make("div", { class: "label-asked", role: "group", "aria-label": value.words.skip },
    make("p", {}, value.words.skip_why),
    make("div", { class: "label-choices" },
      value.reasons.map((reason, place) => button(reason, String(place + 1), () => skip(reason))),
      button(value.words.skip_plain, "S", () => skip(""), { "data-part": "skip-plain" })),
    button(value.words.leave, "Esc", leave, { class: "card-quiet" }));
};

leaml.comment = function (value, drafted, keep, send, leave) {
  const { make, button } = leaml;
  return make("div", { class: "label-asked" },
    make("label", {}, value.words.comment, make("input", {
      type: "text", value: drafted.comment || value.comment, maxlength: 2000, "data-part": "comment",
      oninput: (event) => {
        drafted.comment = event.target.value;
        keep();
      },
      onkeydown: (event) => event.key === "Enter" && !event.ctrlKey && send(),
    })),
    make("div", { class: "card-buttons" },
      button(value.words.comment_keep, "↵", send, { class: "card-second" }),
      button(value.words.leave, "Esc", leave, { class: "card-quiet" })));
};

/* value.scopes: [{key, name}]. black: takes the key of the chosen one. */
leaml.scopes = function (card, value, black, leave) {
  const { make, button } = leaml;
  const { words } = value;
  const choices = value.scopes.map((scope, place) => make("label", { class: "label-scope" },
    make("input", { type: "radio", name: "label-scope", value: scope.key, checked: place === 0 }), scope.name));
  card.append(
    make("h2", {}, words.blank_title),
    make("div", { role: "radiogroup", "aria-label": words.blank_title }, choices),
    make("p", { class: "card-alert" }, words.blank_warning),
    make("div", { class: "card-buttons" },
      button(words.blank_do, "", () => black(card.querySelector("[name=label-scope]:checked").value), {
        class: "label-danger", "data-part": "blank-do",
      }),
      button(words.leave, "Esc", leave, { class: "card-quiet" })));
};
