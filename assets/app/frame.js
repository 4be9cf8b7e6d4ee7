// The frame's part in the browser. Which tab is open stands in the address; a pulse asks the server what is new, for the
// open tab alone, and only after the last answer came: a busy computer is not asked faster than it can answer.
window.leaml = window.leaml || {};
(() => {
  const BUSY = 1000;
  const IDLE = 4000;
  const SOON = 600; // after what was saved: not while the next picture is being drawn
  const PATIENCE = 20000; // an answer that never comes must not end the pulse
  const first = location.hash.slice(1);
  let begun = false;
  let next = null;
  let person = null; // for whom the page is filled

  const tab = (key) => document.getElementById(`tab-${key}-button`);
  const press = (id) => document.getElementById(id)?.click();
  const shown = () => document.querySelector("#frame-shown textarea, #frame-shown input")?.value ?? "";

  // The page is filled: opens the tab that the address asks for, or `wanted`. From now on, the address follows.
  leaml.begin = (wanted) => {
    const key = tab(first) ? first : wanted;
    if (!begun) history.replaceState(null, "", `#${key}`);
    document.body.classList.add("begun");
    begun = true;
    leaml.open(key);
    later(BUSY);
    return [];
  };

  // A tab was opened: the address says so, and moving back in the browser's history leads to it again.
  leaml.opened = (key) => {
    if (begun && location.hash !== `#${key}`) history.pushState(null, "", `#${key}`);
    return [];
  };

  // Opens a tab, as a click on it does.
  leaml.open = (key) => {
    if (leaml.selected() !== key) tab(key)?.click();
    return [];
  };

  // The key of the open tab.
  leaml.selected = () => {
    const open = document.querySelector('#rail button[role="tab"][aria-selected="true"]');
    return open ? open.id.replace(/^tab-(.*)-button$/, "$1") : "";
  };

  // Asks what is new, now.
  leaml.pulse = () => {
    later(PATIENCE);
    press(`pulse-${leaml.selected()}`);
    return [];
  };

  // Asks what is new once nothing was saved for a moment.
  leaml.pulseSoon = () => later(SOON);

  const later = (wait) => {
    clearTimeout(next);
    next = setTimeout(leaml.pulse, wait);
  };

  // Draws what the server says about the project: words of the rail, the next step, the running job.
  leaml.standing = (element, props, watch) => {
    const chip = element.querySelector("#job-chip");
    chip.addEventListener("click", () => leaml.open(chip.dataset.screen));
    const draw = () => {
      const standing = props.value;
      if (!standing) return;
      if (standing.filled) person = standing.person;
      for (const [key, words] of Object.entries(standing.tabs)) {
        const text = tab(key)?.firstChild;
        if (text && text.nodeValue !== words) text.nodeValue = words;
      }
      document.body.dataset.next = standing.next;
      chip.hidden = !standing.chip;
      chip.textContent = standing.chip;
      chip.dataset.screen = standing.screen;
      if (!begun) return;
      if (standing.project === shown() && standing.person === person) later(standing.chip ? BUSY : IDLE);
      else press("frame-reload"); // another project was opened, or another person chosen, perhaps in another window
    };
    draw();
    watch("value", draw);
  };

  window.addEventListener("popstate", () => leaml.open(location.hash.slice(1)));

  document.addEventListener("click", (event) => {
    const close = event.target.closest?.(".note .close");
    if (close) close.closest(".note").remove();
  });
})();
