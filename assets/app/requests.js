/* How the parts of a screen get what they show, and ask for more.

     leaml.part("review", "review-card", element, props, watch, trigger);     // as app/drawn.py has Gradio call it
     const ask = leaml.requests("review");          // ask({act: "accept", …}): false while an answer is awaited
     const ask = leaml.streams("asking", trigger);  // the same for what is answered bit by bit, through Gradio

   What decisions ask is sent by leaml.saving (saving.js), which loses nothing. */

window.leaml = window.leaml || {};

/* Id of a part -> what shows it another value. */
leaml.parts = {};

/* Has leaml[name] draw a part: what it is told to show comes from Gradio, or from an answer to what a part asked. */
leaml.part = function (name, id, element, props, watch, trigger) {
  const shown = { value: props.value };
  let redraw = () => {};
  const show = (value) => {
    shown.value = value;
    redraw();
  };
  leaml.parts[id] = show;
  watch("value", () => show(props.value));
  leaml[name](element, shown, (_, listener) => (redraw = listener), trigger);
};

/* The project that the page shows; "" while it is still being filled. */
leaml.project = () => {
  const field = document.querySelector("#frame-shown textarea, #frame-shown input");
  return field ? field.value : "";
};

/* Sentences that are needed where no answer comes any more; see app/frame.py. */
leaml.words = () => JSON.parse(document.getElementById("frame-words").dataset.words);

/* Asks the server, for a person where it matters who decided; what it tells is {parts: {id: value}, changes} or {wrong: {what, fix}}. Throws where it does not
   answer in time: the error's `wrong` says what that means. */
leaml.post = async function (name, asked, patience, person) {
  const body = JSON.stringify({ project: leaml.project(), person, asked });
  const failed = (wrong) => Promise.reject(Object.assign(new Error(wrong.what), { wrong }));
  try {
    const answer = await fetch(`/ask/${encodeURIComponent(name)}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      keepalive: body.length < 60000, // is sent to its end when the window closes; browsers allow no more
      signal: AbortSignal.timeout(patience),
    });
    if (answer.ok) return await answer.json();
    return failed(answer.status === 401 ? leaml.words().entered : leaml.words().away);
  } catch {
    return failed(leaml.words().away);
  }
};

/* Shows what was told. */
leaml.fill = function ({ parts, changes }) {
  for (const [id, value] of Object.entries(parts || {})) if (leaml.parts[id]) leaml.parts[id](value);
  if (changes) leaml.pulseSoon();
};

/* Says calmly what is wrong and what to do next, until it is closed or the next answer comes; null: takes it away. */
leaml.say = function (wrong) {
  const { make } = leaml;
  document.querySelectorAll(".note").forEach((note) => note.remove());
  if (!wrong) return;
  document.body.append(make("div", { class: "note wrong", role: "alert" },
    make("div", {}, make("p", {}, make("strong", {}, wrong.what)), wrong.fix ? make("p", {}, wrong.fix) : null),
    make("button", { class: "close", "aria-label": leaml.words().close }, "×")));
};

/* Name of what is awaited -> {payload, until}. One at a time under each name; a server that never answers must not lock
   the screen for good. */
leaml.pending = {};
leaml.awaits = (name) => Boolean(leaml.pending[name]) && performance.now() < leaml.pending[name].until;
leaml.settled = (name) => {
  delete leaml.pending[name];
};

leaml.requests = function (name, patience = 30000) {
  return function ask(payload) {
    if (leaml.awaits(name)) return false;
    leaml.pending[name] = { payload, until: performance.now() + patience };
    leaml.post(name, payload, patience).catch(({ wrong }) => ({ wrong })).then((told) => {
      leaml.settled(name);
      leaml.say(told.wrong);
      leaml.fill(told);
    });
    return true;
  };
};

/* app/drawn.py, `stream`, reads what was asked with leaml.payload, and says when all was answered. */
leaml.streams = function (name, trigger, event = "submit", patience = 300000) {
  return function ask(payload) {
    if (leaml.awaits(name)) return false;
    leaml.pending[name] = { payload, until: performance.now() + patience };
    trigger(event);
    return true;
  };
};
leaml.payload = (name) => leaml.pending[name] && leaml.pending[name].payload;
