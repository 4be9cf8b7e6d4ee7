"""The everyday test of nano: questions on drawn scenes, of the kind that it was trained on, to measure forgetting.

    questions = everyday_questions(folder, scenes=60)       # pictures are drawn into the folder, once

Training draws its scenes from other seeds, and so does every benchmark.
"""

import random
from pathlib import Path

from leaml.nano.scene_questions import ask_several
from leaml.nano.scenes import draw_scene
from leaml.records import Question

QUESTIONS_PER_SCENE = 10


def everyday_questions(folder: Path, scenes: int) -> list[Question]:
    """Questions of all types on as many new scenes; each scene is a group of its own.

    Raises:
        OSError: a picture cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    questions = []
    for number in range(scenes):
        name = f"everyday scene {number}"
        scene, path = draw_scene(random.Random(name)), folder / f"{number:04d}.png"
        if not path.exists():
            whole = path.with_suffix(".unfinished.png")
            scene.picture.save(whole)
            whole.replace(path)
        asked = ask_several(scene, random.Random(f"{name} questions"), QUESTIONS_PER_SCENE)
        questions += [Question(path, a.question, a.answer, a.type, "test", name, a.choices, "drawn") for a in asked]
    return questions
