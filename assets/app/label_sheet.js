/* What is asked and answered on the picture of the Label screen, without a page: the questions, what was answered there
   before, and what was typed since, which is kept in this browser at every key until it is saved.

     const sheet = leaml.labelSheet();
     sheet.take(value);                       // another picture, or the same anew; value: app/labelling.py, `shown`
     sheet.give(row, "yes"); sheet.keep();
     sheet.changed();                         // the rows whose answers are to be saved */

window.leaml = window.leaml || {};

leaml.labelSheet = function () {
  const SEPARATOR = "; ";
  let value = {};
  let drafted = {}; // {answers, marks, untold: by question; own: [row], adding: row or null, comment}

  const draftName = (picture) => `label.${value.project}.${value.person}.${picture}`;
  const lastName = () => `label.${value.project}.${value.person}.last`;
  const kind = (row) => value.types.find((type) => type.key === row.type) || { control: "text", choices: [] };
  const choices = (row) => (row.choices && row.choices.length ? row.choices : kind(row).choices);
  const untold = (row) => drafted.untold[row.question] ?? row.untold ?? false;
  const answer = (row) => (untold(row) ? "" : drafted.answers[row.question] ?? row.answer ?? "");
  const marks = (row) => drafted.marks[row.question] ?? row.marks ?? [];
  const told = (row) => Boolean(answer(row).trim()) || untold(row);
  const differs = (row) => answer(row) !== (row.answer ?? "") || JSON.stringify(marks(row)) !== JSON.stringify(row.marks ?? []);

  const sheet = {
    kind, choices, untold, answer, marks, told,
    drafted: () => drafted,
    rows: () => (value.picture ? [...value.questions, ...drafted.own] : []),
    /* How a row is answered: one, several, number, or text where nothing is offered. */
    control(row) {
      const wanted = kind(row).control;
      return (wanted === "one" || wanted === "several") && !choices(row).length ? "text" : wanted;
    },
    changed: () => sheet.rows().filter((row) => answer(row).trim() && (differs(row) || row.untold)),
    newlyUntold: () => sheet.rows().filter((row) => untold(row) && !row.untold),

    /* What was drafted of the picture that is shown is taken up again. */
    take(given) {
      value = given;
      if (!value.picture) return;
      const draft = value.draft || leaml.kept.get(draftName(value.picture.id));
      drafted = { answers: {}, marks: {}, untold: {}, own: [], adding: null, comment: "", ...draft };
      // What was an own question may be a usual one by now.
      drafted.own = drafted.own.filter((row) => !value.questions.some((other) => other.question === row.question));
      if (value.draft) sheet.keep();
    },
    keep() {
      const parts = [drafted.answers, drafted.marks, drafted.untold, drafted.own];
      const empty = !drafted.adding && !drafted.comment && parts.every((part) => !Object.keys(part).length);
      leaml.kept.set(draftName(value.picture.id), empty ? null : drafted);
      leaml.kept.set(lastName(), empty ? null : { picture: value.picture.id, pool: value.pool });
    },
    /* A picture was saved: what was typed about it need not be kept here any more. */
    forget(picture) {
      leaml.kept.set(draftName(picture), null);
      if ((sheet.last() || {}).picture === picture) leaml.kept.set(lastName(), null);
    },
    /* The picture about which something was typed last and not saved: {picture, pool}, or null. */
    last: () => leaml.kept.get(lastName()),

    give(row, text) {
      drafted.answers[row.question] = text;
      drafted.untold[row.question] = false;
    },
    /* Switches one of several choices; "none" stands alone. Says whether nothing more can be chosen beside it. */
    choose(row, choice) {
      const chosen = answer(row).split(SEPARATOR).filter(Boolean);
      const alone = (member) => member.toLowerCase() === "none";
      const on = !chosen.includes(choice);
      const kept = chosen.filter((member) => member !== choice && !(on && (alone(choice) || alone(member))));
      const wanted = choices(row).filter((member) => kept.includes(member) || (on && member === choice));
      sheet.give(row, wanted.join(SEPARATOR));
      return on && alone(choice);
    },
    chosen: (row) => (sheet.control(row) === "several" ? answer(row).split(SEPARATOR) : [answer(row)]),
    cannotTell(row) {
      drafted.untold[row.question] = !untold(row);
    },
    /* A mark of where says where, too, as long as nobody said otherwise. */
    mark(row, shape, points) {
      drafted.marks[row.question] = [...marks(row), { shape, points }];
      if (row.type === "location" && !answer(row) && choices(row).length === 9) sheet.give(row, choices(row)[leaml.ninth(points)]);
    },
    unmark(row) {
      drafted.marks[row.question] = marks(row).slice(0, -1);
    },
    add(row) {
      drafted.own.push(row);
    },

    /* What is saved: answers, and what cannot be told. */
    given: () => ({
      answers: sheet.changed().map((row) => ({
        question: row.question, type: row.type, choices: choices(row), answer: answer(row), marks: marks(row),
      })),
      untold: sheet.newlyUntold().map((row) => row.question),
    }),
    /* What must be seen to before anything is saved, in words, or null. */
    unfinished() {
      const alone = sheet.rows().find((row) => marks(row).length && differs(row) && !answer(row).trim());
      if (alone) return value.words.mark_alone.replace("{question}", alone.question);
      return drafted.adding && drafted.adding.question.trim() ? value.words.not_added : null;
    },
    /* What somebody may have overlooked, in words, or null. */
    overlooked(nothing) {
      const open = value.questions.filter((row) => row.usual && !told(row)).length;
      if (nothing) return value.words.nothing;
      if (!open) return null;
      return open === 1 ? value.words.unanswered_one : value.words.unanswered.replace("{n}", open);
    },
  };
  return sheet;
};

/* Which ninth of the picture the middle of a mark lies in, row by row from the upper left. */
leaml.ninth = function (points) {
  const [across, down] = [0, 1].map((axis) => {
    const along = points.map((point) => point[axis]);
    return Math.min(2, Math.floor(((Math.min(...along) + Math.max(...along)) / 2) * 3));
  });
  return down * 3 + across;
};
