/* The sheet of keys: "?" shows those of the open tab, until Escape or a click. The keys stand in app/texts/frame.py. */

window.leaml = window.leaml || {};

leaml.keySheet = function () {
  const { make, button } = leaml;
  const { title, close, note, parts } = leaml.words().keys;
  const here = parts.filter((part) => part.tabs.includes(leaml.selected()) || !part.tabs.length);
  const rows = ({ keys }) => keys.map(([key, what]) => make("tr", {}, make("th", { scope: "row" }, key), make("td", {}, what)));
  const sheet = make("dialog", { class: "drawn key-sheet", "aria-label": title, onclose: () => sheet.remove() },
    make("header", {}, make("h2", {}, title), button(close, "Esc", () => sheet.close(), { class: "card-quiet" })),
    make("div", { class: "key-tables" },
      here.map((part) => make("section", {}, make("h3", {}, part.name), make("table", {}, make("tbody", {}, rows(part)))))),
    make("p", { class: "quiet" }, note));
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  document.body.append(sheet);
  sheet.showModal();
};

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.ctrlKey || event.metaKey || leaml.isTyping(event.target)) return;
  if (document.querySelector("dialog[open], [role=dialog]")) return;
  event.preventDefault();
  leaml.keySheet();
});
