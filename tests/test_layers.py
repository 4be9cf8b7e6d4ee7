"""The import order of the house, read from the source: who may know whom, and where torch and SQL stand."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

GROUND = {"errors", "files", "options", "records"}
TRAINING = {"models", "training", "evaluation"}
MAY_IMPORT = {
    "errors": set(),
    "files": {"errors"},
    "records": {"errors"},
    "options": {"errors", "records"},
    "models": GROUND,
    "training": GROUND | TRAINING,
    "evaluation": GROUND | TRAINING,
    "nano": GROUND | TRAINING,
    "report": GROUND | TRAINING,
    "store": GROUND,
    "review": GROUND | {"store"},
    "ablation": GROUND | TRAINING | {"nano", "store"},
    "jobs": GROUND | TRAINING | {"nano", "report", "review", "store"},
    "app": GROUND | TRAINING | {"nano", "report", "review", "store", "jobs"},
    "verbs": GROUND | TRAINING | {"ablation", "report", "review", "store", "jobs", "__main__"},
    "demo": GROUND | TRAINING | {"report", "review", "store", "jobs", "verbs"},
    "__main__": {"errors"},
}
"""Room -> rooms beside itself that it may import. Training and evaluation may see each other, not in a circle. The
command line names its verbs and imports the one that is called, so it knows none of them."""

HEAVY = {"torch", "torchvision", "transformers", "peft", "accelerate", "safetensors"}
DATABASE = {"sqlite3", "sqlite_utils"}
SCREEN = {"gradio"}
MUST_NOT_IMPORT = {
    "models": DATABASE | SCREEN,
    "training": DATABASE | SCREEN,
    "evaluation": DATABASE | SCREEN,
    "nano": DATABASE | SCREEN,
    "report": DATABASE | SCREEN,
    "ablation": DATABASE | SCREEN,
    "store": HEAVY | SCREEN,
    "review": HEAVY | DATABASE | SCREEN,
    "app": HEAVY | DATABASE,
    "jobs": SCREEN | DATABASE,
    "verbs": HEAVY | DATABASE | SCREEN,
    "demo": HEAVY | DATABASE | SCREEN,
    "errors": HEAVY | DATABASE | SCREEN,
    "files": HEAVY | DATABASE | SCREEN,
    "records": HEAVY | DATABASE | SCREEN,
    "options": HEAVY | DATABASE | SCREEN,
    "__main__": HEAVY | DATABASE | SCREEN,
    "evaluation.scoring": HEAVY,
    "evaluation.metrics": HEAVY,
    "jobs.queue": HEAVY,
    "jobs.answering": HEAVY,
    "jobs.job": HEAVY,
    "jobs.locks": HEAVY,
    "jobs.processes": HEAVY,
    "jobs.commands": HEAVY,
    "jobs.ballots": HEAVY,
    "jobs.facts": HEAVY,
    "jobs.reporting": HEAVY,
}
"""Room or module -> libraries that no line of it imports, not even within a function."""

LOADS_NO_TORCH = (
    "leaml.errors", "leaml.files", "leaml.records", "leaml.options", "leaml.store.importing", "leaml.review.queues",
    "leaml.evaluation.scoring", "leaml.evaluation.metrics", "leaml.jobs.queue", "leaml.jobs.commands",
    "leaml.jobs.answering", "leaml.jobs.foretelling", "leaml.verbs.init", "leaml.verbs.importing",
    "leaml.verbs.presets", "leaml.verbs.stages", "leaml.verbs.review",
    "leaml.verbs.jobs", "leaml.verbs.ablate", "leaml.verbs.reference", "leaml.report.page", "leaml.jobs.reporting",
    "leaml.demo", "leaml.__main__", "app.main",
)  # fmt: skip

SQL = re.compile(
    r"\b(CREATE\s+(UNIQUE\s+|TEMP\s+)?(TABLE|INDEX|TRIGGER|VIEW)|SELECT\b.+\bFROM|INSERT\s+(OR\s+\w+\s+)?INTO"
    r"|UPDATE\s+\S+\s+SET|DELETE\s+FROM|ALTER\s+TABLE|DROP\s+TABLE|BEGIN\s+IMMEDIATE|PRAGMA\s+\w)",
    re.DOTALL,
)


def sources() -> list[Path]:
    return sorted([*ROOT.glob("leaml/**/*.py"), *ROOT.glob("app/**/*.py")])


def module_name(path: Path) -> str:
    """`leaml/training/loop.py` -> `leaml.training.loop`; a folder's `__init__.py` -> the folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The room that a module of ours stands in: `leaml.training.loop` -> `training`, `app.forms` -> `app`."""
    parts = module.split(".")
    return parts[1] if parts[0] == "leaml" and len(parts) > 1 else parts[0]


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that a source imports, at its top or within a function, `from a import b` as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write imports in full, not relative"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def when_run(tree: ast.Module) -> ast.Module:
    """The source without what is imported for type checkers alone: that makes no circle when the program runs."""
    is_for_types = (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" for node in tree.body)
    return ast.Module([node for node, typed in zip(tree.body, is_for_types) if not typed], type_ignores=[])


def faults(module: str, source: str) -> list[str]:
    """What a module's imports break, one sentence each."""
    here, found = room(module), []
    short = module.removeprefix("leaml.")
    forbidden = MUST_NOT_IMPORT.get(here, set()) | MUST_NOT_IMPORT.get(short, set())
    for name in imports(ast.parse(source, module)):
        first = name.split(".")[0]
        if first in forbidden:
            found.append(f"{module} imports {first}")
        if first in ("benchmarks", "tests", "launch"):
            found.append(f"{module} imports {first}, which stands outside of the product")
        if first not in ("leaml", "app") or name.startswith("leaml.__version__"):
            continue
        there = room(name)
        if there not in (here, "leaml") and there not in MAY_IMPORT[here]:
            found.append(f"{module} imports {name}: {here} must not know {there}")
    return found


def test_every_module_keeps_the_import_order():
    found = [
        fault
        for path in sources()
        if module_name(path) != "leaml"
        for fault in faults(module_name(path), path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_room_is_in_the_order():
    rooms = {room(module_name(path)) for path in sources()} - {"leaml"}
    assert rooms <= set(MAY_IMPORT), "add the new room to MAY_IMPORT"


def test_the_order_has_no_circle_but_between_training_and_evaluation():
    order = {
        here: there - ({"training", "evaluation"} if here in TRAINING else set()) for here, there in MAY_IMPORT.items()
    }
    list(TopologicalSorter(order).static_order())


def test_no_modules_import_each_other_in_a_circle():
    known = {module_name(path): path for path in sources()}
    graph = {}
    for module, path in known.items():
        named = set(imports(when_run(ast.parse(path.read_text(encoding="utf-8"), str(path)))))
        # `from leaml.models import prompts` names a module, `from leaml.errors import LeamlError` something in one
        reached = {name if name in known else name.rpartition(".")[0] for name in named}
        graph[module] = {name for name in reached if name in known and name not in (module, "leaml")}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("leaml.store.database", "import torch"),
        ("leaml.store.formats", "from leaml.models.load import load_model"),
        ("leaml.training.loop", "import sqlite3"),
        ("leaml.training.loop", "from leaml.store import database"),
        ("leaml.models.load", "def late():\n    import leaml.training.loop"),
        ("leaml.evaluation.scoring", "from torch.nn import functional"),
        ("leaml.evaluation.compare", "import gradio as gr"),
        ("leaml.errors", "from leaml.records import Pair"),
        ("leaml.nano.scenes", "from benchmarks import nano"),
        ("app.forms", "import transformers"),
        ("leaml.verbs.stages", "def late():\n    import torch"),
        ("leaml.jobs.queue", "from leaml.verbs import following"),
        ("leaml.__main__", "from leaml.verbs import stages"),
    ],
)
def test_a_breach_is_found(module, source):
    assert faults(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("leaml.training.generate", "from leaml.evaluation.scoring import normalise\nimport torch"),
        ("leaml.nano.pretrain", "from leaml.training.loop import fit\nfrom leaml.evaluation import predict"),
        ("leaml.__main__", "from leaml import __version__\nfrom leaml.errors import LeamlError"),
        ("app.screens.label", "from leaml.store import database\nfrom app import text"),
        ("leaml.jobs.packing", "def late():\n    from leaml.models.adapters import export_lora"),
        ("leaml.demo", "from leaml.verbs import following"),
    ],
)
def test_what_the_order_allows_passes(module, source):
    assert faults(module, source) == []


def sql_in(source: str) -> list[str]:
    """Every text in a source, docstrings included, that is SQL."""
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [text for text in texts if isinstance(text, str) and SQL.search(text)]


def test_sql_stands_in_one_file_only():
    elsewhere = {
        module_name(path): found
        for path in sources()
        if module_name(path) != "leaml.store.database" and (found := sql_in(path.read_text(encoding="utf-8")))
    }
    assert elsewhere == {}


def test_sql_is_recognised():
    assert sql_in("rows = db.query(f'SELECT name\\n FROM {table}')")
    assert sql_in("db.execute('INSERT OR IGNORE INTO images VALUES (?)')")
    assert sql_in("db.execute('CREATE TABLE images (id)')")
    assert not sql_in("'Select a picture from the list, then insert it into the table.'")


def test_light_modules_load_no_torch():
    known = {module_name(path) for path in sources()}
    wanted = [name for name in LOADS_NO_TORCH if name in known]
    assert {"leaml.errors", "leaml.records", "leaml.jobs.queue", "leaml.__main__"} <= set(wanted)
    code = f"import sys, {', '.join(wanted)}; print(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
