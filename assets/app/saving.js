/* What a person decides: sent one after the other, in order, while the page goes on; nothing of it is lost. What was not
   answered yet is kept in this browser and sent again after a reload; the server keeps the same decision once.

     const saving = leaml.saving("review", { owner: () => ({project, person}), changed: draw, handed: (parts) => … });
     saving.add({ act: "accept", … }, { about: "Is there a polyp?", moved: true, back: () => … });
     saving.busy()          // something is awaited before anybody may go on
     saving.parts(look)     // what is to be said of it: elements

   moved: the page shows what comes next already; otherwise nothing more is done until the answer is there.
   keeps: what was typed or decided is in it; otherwise it may be forgotten when the server does not answer. */

window.leaml = window.leaml || {};

leaml.saving = function (name, { owner, changed, handed }) {
  const { make, button } = leaml;
  const PATIENCE = 30000; // ms: drawing a sample of a large project takes a while
  const PAUSES = [1000, 2000, 5000];
  const page = Math.random().toString(36).slice(2); // each page keeps its own: a second window must not wipe it out
  let waiting = []; // {asked, person, about, moved, keeps, back, late}, oldest first; the first is on its way
  let refused = []; // {asked, about, wrong}
  let working = false;
  let behind = false; // what comes is the answer to what is shown as done already
  let tries = 0; // without an answer, in a row
  let wrong = null; // why there was none
  let again = () => {};

  const keptNames = () => `unsaved.${name}.${owner().project}.${owner().person}.`;
  const keeping = () => waiting.filter((entry) => entry.keeps);

  function journal() {
    const unsaved = keeping().map(({ asked, person, about }) => ({ asked, person, about }));
    leaml.kept.set(keptNames() + page, unsaved.length || refused.length ? { unsaved, refused } : null);
    if (waiting.length) leaml.pending[name] = { payload: waiting[0].asked, until: Infinity };
    else leaml.settled(name);
  }

  const pause = () => new Promise((done) => {
    again = done;
    setTimeout(done, PAUSES[Math.min(tries, PAUSES.length) - 1]);
  });

  async function work() {
    if (working) return;
    working = true;
    while (waiting.length) {
      const entry = waiting[0];
      const told = await leaml.post(name, entry.asked, PATIENCE, entry.person).catch((error) => void (wrong = error.wrong));
      if (told) answered(entry, told);
      else await unanswered(entry);
    }
    working = false;
  }

  async function unanswered(entry) {
    if (entry.keeps) {
      tries += 1;
      changed();
      return pause();
    }
    waiting.shift();
    journal();
    leaml.say(wrong);
  }

  function answered(entry, told) {
    const wasAway = tries > 0;
    tries = 0;
    waiting.shift();
    const gone = entry.moved || entry.late; // what was decided is not on the screen any more
    if (told.wrong) {
      if (gone) refused.push({ asked: entry.asked, about: entry.about, wrong: told.wrong });
      // There is nothing to be taken back: what was meant was never kept.
      if (waiting.length && waiting[0].asked.act === "undo") waiting.shift();
    }
    journal();
    if (told.wrong) {
      if (!gone) leaml.say(told.wrong);
      return changed();
    }
    leaml.say(null);
    behind = entry.moved;
    if (waiting.length) handed(told.parts);
    else leaml.fill(told);
    behind = false;
    if (wasAway) changed();
  }

  function drawAway() {
    const words = leaml.words();
    const count = keeping().length;
    if (!tries || !count) return [];
    return [make("div", { class: "saving away", role: "alert" },
      make("p", {}, make("strong", {}, wrong.what), " ", count === 1 ? words.unsaved_one : words.unsaved.replace("{n}", count)),
      button(words.again, "", () => again(), { "data-part": "again" }))];
  }

  function drawRefused(entry, look) {
    const words = leaml.words();
    const forget = () => {
      refused = refused.filter((other) => other !== entry);
      journal();
      changed();
    };
    const open = () => look(entry.asked) !== false && forget();
    return make("div", { class: "saving refused", role: "alert" },
      make("p", {}, make("strong", {}, words.refused.replace("{about}", entry.about)), ` ${entry.wrong.what} ${entry.wrong.fix}`),
      make("div", { class: "card-buttons" },
        button(words.look, "", open, { "data-part": "look-again" }), button(words.forget, "", forget, { class: "card-quiet" })));
  }

  return {
    /* Sends something, behind what was sent before; says whether it will be. */
    add(asked, { about = "", moved = false, keeps = true, back = null } = {}) {
      if (this.busy() || (tries && !keeps)) return false;
      waiting.push({ asked, person: owner().person, about, moved, keeps, back });
      journal();
      work();
      return true;
    },
    busy: () => waiting.some((entry) => !entry.moved),
    waits: () => waiting.length > 0,
    behind: () => behind,
    /* Takes back what was decided last where it was not sent yet; says whether it was. */
    takeBack() {
      const last = waiting[waiting.length - 1];
      if (waiting.length < 2 || !last.back) return false;
      waiting.pop();
      journal();
      last.back();
      return true;
    },
    /* Sends what an earlier page of this browser did not get through; says whether there was any. */
    resume() {
      if (waiting.length) return false;
      for (const kept of leaml.kept.names(keptNames())) {
        const { unsaved = [], refused: before = [] } = leaml.kept.get(kept) || {};
        refused.push(...before);
        waiting.push(...unsaved.map((entry) => ({ ...entry, moved: false, late: true, keeps: true, back: null })));
        leaml.kept.set(kept, null);
      }
      journal();
      changed();
      work();
      return waiting.length > 0;
    },
    /* What is not saved, as elements: the server does not answer, or refused it. look: shows it again. */
    parts(look) {
      const found = [...drawAway(), ...refused.map((entry) => drawRefused(entry, look))];
      return found.length ? [make("div", { class: "savings" }, found)] : [];
    },
  };
};
