// Draws the panel of a job. Only what has changed is touched, so that a focused button keeps the focus and an opened log
// stays open and where it was scrolled to. The HTML comes from app/job_panel.py, which has escaped it; the log is text.
window.leaml = window.leaml || {};
leaml.job = (element, props, watch, trigger) => {
  const part = (name) => element.querySelector(`.job-${name}`);
  const drawn = {};

  const changed = (name, value) => {
    const text = JSON.stringify(value);
    if (drawn[name] === text) return false;
    drawn[name] = text;
    return true;
  };

  const button = ([act, words, primary]) => {
    const made = document.createElement("button");
    made.textContent = words;
    made.dataset.act = act;
    made.className = primary ? "lg primary" : "lg secondary";
    return made;
  };

  const draw = () => {
    const job = props.value;
    if (!job) return;
    element.querySelector(".job").hidden = !job.state;
    for (const name of ["state", "result", "curve"]) if (changed(name, job[name])) part(name).innerHTML = job[name];
    if (changed("acts", job.acts)) part("acts").replaceChildren(...job.acts.map(button));
    part("log").hidden = job.log === null;
    if (changed("log", job.log)) part("log").querySelector("pre").textContent = job.log ?? "";
  };

  element.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-act]");
    if (!pressed || pressed.disabled) return;
    pressed.disabled = true; // until the server has answered: it then draws other buttons, or these anew
    delete drawn.acts;
    leaml.pressed = pressed.dataset.act;
    trigger();
  });

  draw();
  watch("value", draw);
};
