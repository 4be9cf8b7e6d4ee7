/* What the scripts of the screens share: elements made from plain data, keys, and a clock that counts looking only.
   Texts of a project reach the page as text nodes and attributes, never as HTML. */

window.leaml = window.leaml || {};

/* An element with properties, attributes, listeners (`on…`) and children; what is null or false is left out. */
leaml.make = function (tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (name === "value") made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
};

/* A button that says its key. `press` runs on a click. */
leaml.button = function (text, key, press, properties) {
  const shown = key ? leaml.make("kbd", {}, key) : null;
  return leaml.make("button", { type: "button", onclick: press, ...properties }, shown, leaml.make("span", {}, text));
};

/* Puts `drawn` in the place of what a part shows; what has the focus keeps it, and a cursor stays where it is. */
leaml.redraw = function (element, drawn) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const caret = focused && focused.matches("input[type=text], textarea") ? [focused.selectionStart, focused.selectionEnd] : null;
  element.replaceChildren(drawn);
  const again = focused && focused.dataset.part && element.querySelector(`[data-part="${focused.dataset.part}"]`);
  if (!again) return;
  again.focus({ preventScroll: true });
  if (caret && again.setSelectionRange) again.setSelectionRange(...caret);
};

/* Whether keys belong to what is being written or set. */
leaml.isTyping = function (target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("[contenteditable=''], [contenteditable=true], textarea, select")) return true;
  return target.matches("input") && !["button", "checkbox", "submit"].includes(target.type);
};

/* What a pressed key may be called. A digit is where it stands, whatever the keyboard writes there; with Shift it is
   "Shift+1", or else the sign: on many keyboards "=" and "+" are a digit with Shift. */
leaml.named = function (event, control) {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  const sign = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const before = control ? "Ctrl+" : "";
  const shifted = event.shiftKey && (digit || sign.startsWith("Arrow"));
  if (digit && !event.shiftKey) return [before + digit[1]];
  return shifted ? [`${before}Shift+${digit ? digit[1] : sign}`, ...(digit ? [before + sign] : [])] : [before + sign];
};

/* Keys of one part of a screen: {"a": action, "Ctrl+Enter": action, …}, letters in lower case. They act on keydown, once,
   while the part is on the open tab. While somebody types, only those named in `whileTyping` act. */
leaml.onKeys = function (element, actions, whileTyping = []) {
  function pressed(event) {
    if (!element.isConnected) return document.removeEventListener("keydown", pressed);
    if (event.repeat || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (!element.checkVisibility() || document.querySelector("dialog[open], [role=dialog]")) return;
    const control = event.ctrlKey || event.metaKey;
    const named = leaml.named(event, control);
    const key = named.find((name) => actions[name]);
    const action = actions[key];
    if (!action || (leaml.isTyping(event.target) && !whileTyping.includes(key))) return;
    if (action(event) !== false) event.preventDefault();
  }
  document.addEventListener("keydown", pressed);
};

/* Seconds since the last start, without the time in which the page was hidden. */
leaml.clock = function () {
  let seconds = 0;
  let since = performance.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) seconds += (performance.now() - since) / 1000;
    since = performance.now();
  });
  return {
    start() {
      seconds = 0;
      since = performance.now();
    },
    seconds: () => seconds + (document.hidden ? 0 : (performance.now() - since) / 1000),
  };
};

/* What is kept in this browser, by name; a browser that keeps nothing is no reason to fail. */
leaml.kept = {
  get(name) {
    try {
      return JSON.parse(localStorage.getItem(`leaml.${name}`));
    } catch {
      return null;
    }
  },
  /* Names that begin so. */
  names(beginning) {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(`leaml.${beginning}`)).map((key) => key.slice(6));
    } catch {
      return [];
    }
  },
  set(name, value) {
    try {
      if (value === null) localStorage.removeItem(`leaml.${name}`);
      else localStorage.setItem(`leaml.${name}`, JSON.stringify(value));
    } catch {
      /* private browsing, or full */
    }
  },
};

/* What a screen says when there is nothing to do: what that means, and a way on. */
leaml.emptyState = function (empty, more) {
  const { make, button } = leaml;
  const way = empty.tab ? button(empty.button, "", () => leaml.open(empty.tab), { class: "card-primary" }) : null;
  return [make("h2", {}, empty.title), make("p", {}, empty.text), way, more].filter(Boolean);
};

/* Scrolls a list, and nothing else, until one of its parts can be seen. */
leaml.bringIntoView = function (list, part) {
  const top = part.offsetTop - list.offsetTop;
  if (top < list.scrollTop) list.scrollTop = top;
  const bottom = top + part.offsetHeight - list.clientHeight;
  if (bottom > list.scrollTop) list.scrollTop = bottom;
};
