"""A colonoscopy phantom: drawn pictures of a bowel that never was, with questions, answers and captions.

    python -m leaml.nano.phantom OUT --images 560 --seed 2022
    python -m leaml.nano.phantom OUT --images 20 --labelled 4     # a look at it, within a second

OUT becomes a folder in the import format: `images/`, `questions.jsonl`, `captions.jsonl`, `README.md`, `phantom.json`.
It holds answers for a labelled handful of train pictures and for the calibration and test sets. All other truth is kept
apart: `truth(seed, index)` and `all_questions(seed, images)` recompute it from the seed.

    phantom_truth      what a picture shows, from seed and index
    phantom_drawing    the picture of it
    phantom_captions   what a simulated teacher writes of it
    phantom            questions, the folder, the command
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from leaml.errors import DataError, LeamlError, OptionError, StorageError
from leaml.nano.phantom_captions import HABITS, NEVER_SPOKEN_OF, caption, habit_rates
from leaml.nano.phantom_drawing import draw
from leaml.nano.phantom_truth import (
    BOX_COLOURS,
    INSTRUMENT_KINDS,
    POLYP_COLOURS,
    POLYP_KINDS,
    POLYP_SIZES,
    Scene,
    group_of,
    region,
    split_of,
    truth,
)
from leaml.records import REGIONS, SET_SEPARATOR, Question

__all__ = ["QUESTIONS", "Scene", "all_questions", "answer_words", "caption", "draw", "questions_of", "truth", "write"]

FINDINGS = ("polyp", "instrument", "stool", "bubbles")
ORIGIN = "drawn truth"
VERSION = 1
SEED = 2022
"""Of the sample project: the first from 2020 on with no answer above 60 % of a question in calibration or test."""
_MEMBERS = {"images", "questions.jsonl", "captions.jsonl", "README.md", "phantom.json"}


@dataclass(frozen=True, slots=True)
class Template:
    """A question. `answer(scene)` is None where it has no one right answer: there it is not asked."""

    question: str
    type: str
    choices: tuple[str, ...]
    answer: Callable[[Scene], str | None]


def _yes(seen: object) -> str:
    return "yes" if seen else "no"


def _several(names: list[str]) -> str:
    return SET_SEPARATOR.join(names) or "none"


def _findings(scene: Scene) -> str:
    seen = (scene.polyps, scene.instruments, scene.stool, scene.bubbles)
    return _several([name for name, things in zip(FINDINGS, seen, strict=True) if things])


def _instruments(scene: Scene) -> str:
    return _several([kind for kind in INSTRUMENT_KINDS if any(tool.kind == kind for tool in scene.instruments)])


def _largest(scene: Scene, detail: str) -> str | None:
    return getattr(scene.polyps[0], detail) if scene.polyps else None


def _polyp_region(scene: Scene) -> str | None:
    return region(scene.polyps[0].x, scene.polyps[0].y) if scene.polyps else None


def _tip_region(scene: Scene) -> str | None:
    return region(scene.instruments[0].x, scene.instruments[0].y) if len(scene.instruments) == 1 else None


YES_NO = ("yes", "no")
QUESTIONS = (
    Template("Is there a polyp in the image?", "yes/no", YES_NO, lambda s: _yes(s.polyps)),
    Template("Is there a green or black box artefact?", "yes/no", YES_NO, lambda s: _yes(s.box)),
    Template("Is there text in the image?", "yes/no", YES_NO, lambda s: _yes(s.text)),
    Template("How many polyps are in the image?", "count", (), lambda s: str(len(s.polyps))),
    Template("How many instruments are in the image?", "count", (), lambda s: str(len(s.instruments))),
    Template(
        "What type of polyp is present: flat, sessile, pedunculated or none?",
        "single choice", (*POLYP_KINDS, "none"), lambda s: _largest(s, "kind") or "none",
    ),
    Template(
        "What is the size of the largest polyp: small, medium or large?",
        "single choice", POLYP_SIZES, lambda s: _largest(s, "size"),
    ),
    Template("What colour is the largest polyp?", "colour", POLYP_COLOURS, lambda s: _largest(s, "colour")),
    Template("What colour is the box artefact?", "colour", BOX_COLOURS, lambda s: s.box_colour or None),
    Template("Where in the image is the largest polyp?", "location", REGIONS, _polyp_region),
    Template("Where in the image is the tip of the instrument?", "location", REGIONS, _tip_region),
    Template(
        "Which instruments are shown: forceps, snare or none?",
        "multiple choice", (*INSTRUMENT_KINDS, "none"), _instruments,
    ),
    Template(
        "Which findings are shown: polyp, instrument, stool, bubbles or none?",
        "multiple choice", (*FINDINGS, "none"), _findings,
    ),
)  # fmt: skip


def answer_words() -> set[str]:
    """Every word that an answer may hold: members of choices, and the digits of counts."""
    choices = {choice for template in QUESTIONS for choice in template.choices}
    return choices | {str(count) for count in range(4)}


def picture_name(index: int) -> Path:
    """Path of a picture in the folder. The name tells nothing of what the picture shows."""
    return Path("images") / f"phantom_{index:05d}.jpg"


def questions_of(scene: Scene) -> list[Question]:
    """All questions that have one right answer in a scene, with their answers."""
    asked = []
    for template in QUESTIONS:
        answer = template.answer(scene)
        if answer is not None:
            where = (scene.split, scene.group, template.choices, ORIGIN)
            asked.append(Question(picture_name(scene.index), template.question, answer, template.type, *where))
    return asked


def all_questions(seed: int, images: int, split: str | None = None) -> list[Question]:
    """The whole truth of a phantom as questions with answers, of one split or (None) of all.

    For scoring and for the ceiling (training on all labels): most of the train answers stand in no file.
    """
    indices = [index for index in range(images) if split in (None, split_of(index))]
    return [question for index in indices for question in questions_of(truth(seed, index))]


def labelled_pictures(seed: int, images: int, labelled: int) -> list[int]:
    """Indices of the train pictures whose answers the folder holds: of as many patients, drawn at random.

    Raises:
        OptionError: if the train split has fewer patients.
    """
    first = {group_of(seed, index): index for index in reversed(range(images)) if split_of(index) == "train"}
    if labelled > len(first):
        raise OptionError(
            f"{labelled} labelled pictures were asked for, and the train pictures show {len(first)} patients.",
            "Take fewer with --labelled, or more pictures with --images.",
        )
    return sorted(Random(f"{seed}/labelled").sample(sorted(first.values()), labelled))


def write(
    out: Path,
    images: int,
    seed: int,
    labelled: int = 24,
    wrong: float = 0.1,
    silent: float = 0.1,
    overwrite: bool = False,
) -> dict:
    """Writes the phantom into folder `out`, and returns what `phantom.json` holds.

    Everything is written into a sibling folder that takes its name at the end: half a phantom never looks whole.

    Raises:
        OptionError: if a number is out of range.
        DataError: if the folder holds something else, or a phantom and `overwrite` is not given.
        StorageError: if the folder cannot be written, for instance because the disk is full.
    """
    _check(images, labelled, wrong, silent)
    manifest = _manifest(out.name, images, seed, labelled, wrong, silent)
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        _refuse_foreign(out, manifest, overwrite)
        chosen = labelled_pictures(seed, images, labelled)
        (partial / "images").mkdir(parents=True)
        manifest["counts"] = _write_members(partial, manifest, chosen)
        (partial / "README.md").write_text(_readme(manifest), encoding="utf-8")
        (partial / "phantom.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        _take_place(partial, out)
    except OSError as error:
        raise StorageError(
            f"The phantom cannot be written to {out}: {error.strerror or error}.",
            f"It needs about {0.018 * images + 1:.0f} MB: free space or choose another folder, then run it again.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _take_place(partial: Path, out: Path) -> None:
    """Puts the whole folder where an empty one, or an earlier phantom, stood; that one stays if the move fails."""
    earlier = out.with_name(f".{out.name}.earlier-{os.getpid()}")
    if out.exists():
        out.rename(earlier)
    try:
        partial.rename(out)
    except OSError:
        if earlier.exists():
            earlier.rename(out)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _check(images: int, labelled: int, wrong: float, silent: float) -> None:
    if not 1 <= images <= 100_000:
        raise OptionError(f"--images is {images}.", "Take 1 to 100000.")
    if labelled < 0:
        raise OptionError(f"--labelled is {labelled}.", "Take 0 or more.")
    for name, rate in (("--wrong", wrong), ("--silent", silent)):
        if not 0.0 <= rate <= 1.0:
            raise OptionError(f"{name} is {rate}.", "Take a share from 0 to 1, such as 0.1.")


def _refuse_foreign(out: Path, manifest: dict, overwrite: bool) -> None:
    """Lets pass a folder that is absent or empty, or holds a phantom of the same options that may be overwritten."""
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise DataError(f"{out} is not a folder of its own.", "Give the name of a new folder.")
    members = {path.name for path in out.iterdir()}
    if not members:
        return
    strange = members - _MEMBERS | {p.name for p in out.glob("images/*") if not p.match("phantom_?????.jpg")}
    if strange or "phantom.json" not in members:
        example = min(strange or members)
        raise DataError(f"{out} holds something else ({example}).", "Choose a new or empty folder.")
    if _options_in(out / "phantom.json") != manifest["options"]:
        raise DataError(f"{out} holds a phantom with other options.", "Choose a new or empty folder.")
    if not overwrite:
        raise DataError(f"{out} already holds this phantom.", "Add --overwrite to write it anew.")


def _options_in(path: Path) -> object:
    """The options in a `phantom.json`, None if it is not one."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return held.get("options") if isinstance(held, dict) else None


def _manifest(name: str, images: int, seed: int, labelled: int, wrong: float, silent: float) -> dict:
    options = {"images": images, "seed": seed, "labelled": labelled, "wrong": wrong, "silent": silent}
    flags = " ".join(f"--{option} {value}" for option, value in options.items())
    habits = {habit: round(rate, 3) for habit, rate in habit_rates(wrong).items() if rate > 0}
    systematic = sum(rate * HABITS[habit] for habit, rate in habits.items())
    return {
        "what": "colonoscopy phantom: drawn pictures, not of a patient, not for clinical use",
        "version": VERSION,
        "command": f"python -m leaml.nano.phantom {name} {flags}",
        "options": options,
        "teacher": {
            "wrong": wrong,
            "silent": silent,
            "habits": habits,
            "habit_errors_per_picture": round(systematic, 3),
            "never_speaks_of": list(NEVER_SPOKEN_OF),
        },
    }


def teacher_note(wrong: float, silent: float) -> str:
    """The `teacher` field of captions: who wrote them, and how often they are wrong or silent."""
    return f"simulated from drawn truth, {wrong:.0%} of statements wrong (half by habit), {silent:.0%} left out"


def _write_members(folder: Path, manifest: dict, chosen: list[int]) -> dict:
    """Pictures, questions and captions. Returns counts."""
    options, labelled = manifest["options"], set(chosen)
    seed, wrong, silent = (options[name] for name in ("seed", "wrong", "silent"))
    counts = {split: {"pictures": 0, "patients": set(), "questions": 0} for split in ("train", "calibration", "test")}
    with (
        (folder / "questions.jsonl").open("w", encoding="utf-8") as questions,
        (folder / "captions.jsonl").open("w", encoding="utf-8") as captions,
    ):
        for index in range(options["images"]):
            scene = truth(seed, index)
            draw(scene).save(folder / picture_name(index), quality=86, optimize=True)
            count = counts[scene.split]
            count["pictures"] += 1
            count["patients"].add(scene.group)
            if scene.split == "train":
                text = caption(scene, Random(f"{seed}/caption/{index}"), wrong, silent)
                note = teacher_note(wrong, silent)
                captions.write(_line({"image": picture_name(index).as_posix(), "caption": text, "teacher": note}))
            if scene.split != "train" or index in labelled:
                rows = [_row(question) for question in questions_of(scene)]
                questions.writelines(_line(row) for row in rows)
                count["questions"] += len(rows)
    return {split: {**count, "patients": len(count["patients"])} for split, count in counts.items()}


def _row(question: Question) -> dict:
    fields = ("question", "answer", "type", "split", "group", "choices", "origin")
    return {"image": question.image.as_posix()} | {name: getattr(question, name) for name in fields}


def _line(row: dict) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _readme(manifest: dict) -> str:
    options, teacher = manifest["options"], manifest["teacher"]
    rows = [
        f"| {split} | {count['pictures']} | {count['patients']} | {count['questions']} |"
        for split, count in manifest["counts"].items()
    ]
    habits = "; ".join(f"{habit} ({rate:.0%} of them)" for habit, rate in teacher["habits"].items()) or "none"
    return f"""# Colonoscopy phantom

Drawn pictures that look somewhat like views of a colonoscope. **No patient was ever in front of this camera: every
picture, "patient" and finding is computed from a random seed. Not for clinical use, and no evidence about any model's
worth in a clinic.** Text burned into the pictures begins with PHANTOM.

    {manifest["command"]}

| split | pictures | simulated patients | questions with answers |
|---|---|---|---|
{chr(10).join(rows)}

Groups (simulated patients, 1 to 3 similar pictures each) never cross splits. Answers are given for
{options["labelled"]} train pictures and for all of `calibration` and `test`; the truth of the other train pictures is
in no file. It follows from the seed (`leaml.nano.phantom.all_questions`), and is for scoring alone.

Captions (train pictures only) are those of a *simulated teacher*: {teacher["wrong"]:.0%} of its statements are wrong,
half of these by habit, and {teacher["silent"]:.0%} of what it could say is left out.

- Habits: {habits}.
- Never spoken of: {", ".join(teacher["never_speaks_of"])}.

Files: `images/`, `questions.jsonl` (image, question, answer, type, split, group, choices, origin), `captions.jsonl`
(image, caption, teacher), `phantom.json` (options, counts, rates). Licence: Apache-2.0, as the program that drew them.
"""


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns the exit code: 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m leaml.nano.phantom", description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="folder to write; absent or empty")
    parser.add_argument("--images", type=int, default=560, help="pictures, of which 5 in 7 train (default %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="same seed, same bytes (default %(default)s)")
    parser.add_argument("--labelled", type=int, default=24, help="train pictures with answers (default %(default)s)")
    parser.add_argument("--wrong", type=float, default=0.1, help="share of caption statements that are wrong")
    parser.add_argument("--silent", type=float, default=0.1, help="share of caption statements left out")
    parser.add_argument("--overwrite", action="store_true", help="write a phantom of the same options anew")
    given = parser.parse_args(arguments)
    try:
        # Resolved, so that "." has a name and a sibling to write into.
        options = {name: value for name, value in vars(given).items() if name != "out"}
        manifest = write(given.out.resolve(), **options)
    except LeamlError as error:
        print(error, file=sys.stderr)
        return 2
    for split, count in manifest["counts"].items():
        print(f"{split}: {count['pictures']} pictures, {count['questions']} questions with answers")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
