"""launch.py: set-up only when needed, one sentence for what goes wrong, words passed on."""

import ast
import errno
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import launch
import leaml

ROOT = Path(__file__).resolve().parents[1]

NO_NETWORK = """\
WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError(': Failed to establish
a new connection: [Errno -3] Temporary failure in name resolution')': /simple/torch/
ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)
ERROR: No matching distribution found for torch==2.13.0
"""
NO_BUILD = """\
ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: 2.14.0, 2.15.0)
ERROR: No matching distribution found for torch==2.13.0
"""
DISK_FULL = """\
WARNING: Retrying after connection broken by 'ReadTimeoutError'
ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device
"""
NO_ENSUREPIP = "The virtual environment was not created successfully because ensurepip is not available.\n"


class FakeRun:
    """Stands in for venv and pip: makes what they make, notes what was called, and fails where told to."""

    def __init__(self, fail: str = "", output: str = ""):
        self.fail, self.output = fail, output
        self.calls: list[str] = []

    def __call__(self, command: list[str], root: str) -> tuple[int, str]:
        tool = command[2]
        self.calls.append(tool)
        if tool == self.fail:
            return 1, self.output
        if tool == "venv":
            python = Path(launch.venv_python(root))
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)
        return 0, ""


@pytest.fixture
def root(tmp_path, monkeypatch) -> str:
    (tmp_path / "requirements.txt").write_text("torch==2.13.0\n")
    # whether an interpreter runs is asked without starting one: these tests copy none
    monkeypatch.setattr(launch, "venv_version", lambda root: "3.11.7" if exists(root, "bin", "Scripts") else None)
    return str(tmp_path)


def exists(root: str, *folders: str) -> bool:
    return any((Path(root) / ".venv" / folder).exists() for folder in folders)


def set_up(root: str, **failure: str) -> list[str]:
    run = FakeRun(**failure)
    launch.set_up(root, run)
    return run.calls


def refused(root: str, **failure: str) -> str:
    with pytest.raises(launch.SetupError) as raised:
        launch.set_up(root, FakeRun(**failure))
    sentence = str(raised.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_set_up_happens_once(root):
    assert set_up(root) == ["venv", "pip"]
    assert set_up(root) == []


def test_changed_requirements_are_installed_into_the_same_environment(root):
    set_up(root)
    Path(root, "requirements.txt").write_text("torch==2.13.0\ngradio\n")
    assert set_up(root) == ["pip"]
    assert set_up(root) == []


def test_another_python_in_the_environment_installs_again(root, monkeypatch):
    set_up(root)
    monkeypatch.setattr(launch, "venv_version", lambda root: "3.11.8")
    assert set_up(root) == ["pip"]


def test_an_environment_whose_python_is_gone_is_made_anew(root):
    set_up(root)
    shutil.rmtree(Path(launch.venv_python(root)).parent)
    Path(root, ".venv", "left").write_text("of the old one")
    assert set_up(root) == ["venv", "pip"]
    assert not Path(root, ".venv", "left").exists()


def test_a_set_up_that_was_broken_off_is_made_anew(root):
    run = FakeRun()

    def killed_in_pip(command, root):
        if command[2] == "pip":
            raise KeyboardInterrupt
        return run(command, root)

    with pytest.raises(KeyboardInterrupt):
        launch.set_up(root, killed_in_pip)
    assert set_up(root) == ["venv", "pip"]


def test_an_environment_that_was_made_by_hand_is_kept(root):
    FakeRun()(["python", "-m", "venv"], root)
    assert set_up(root) == ["pip"]


def test_no_network_is_said_and_keeps_what_is_installed(root):
    set_up(root)
    Path(root, "requirements.txt").write_text("more\n")
    sentence = refused(root, fail="pip", output=NO_NETWORK)
    assert "cannot reach its package index" in sentence
    assert os.path.join(".venv", "install.log") in sentence
    assert set_up(root) == ["pip"]


def test_a_full_disk_is_said_and_the_environment_made_anew(root):
    assert refused(root, fail="pip", output=DISK_FULL).startswith("The disk is full")
    assert set_up(root) == ["venv", "pip"]


def test_a_missing_venv_module_is_said(root):
    assert "lacks its venv module" in refused(root, fail="venv", output=NO_ENSUREPIP)


def test_a_python_without_builds_is_said(root):
    assert "pip finds no torch==2.13.0" in refused(root, fail="pip", output=NO_BUILD)


def test_any_other_failure_names_the_log(root):
    assert os.path.join(".venv", "install.log") in refused(root, fail="pip", output="ERROR: something else")


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15, "final", 0), (3, 10, 14)])
def test_an_old_python_is_refused_in_one_sentence(version):
    with pytest.raises(launch.SetupError) as raised:
        launch.require_python(version)
    assert str(raised.value) == (
        f"LEAML Studio needs Python 3.11 or newer and this is Python {version[0]}.{version[1]}: "
        "install a newer one from python.org and start launch.py with it."
    )


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 1), (4, 0, 0)])
def test_new_pythons_are_taken(version):
    launch.require_python(version)


def test_old_pythons_can_read_launch():
    source = (ROOT / "launch.py").read_text(encoding="utf-8")
    assert source.isascii()
    tree = ast.parse(source)
    newer = (
        ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.AsyncFunctionDef, ast.Match, ast.YieldFrom,
        ast.Starred, ast.MatMult,
    )  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Starred) and node in {
            a for n in ast.walk(tree) if isinstance(n, ast.Call) for a in n.args
        }:
            continue  # f(*args) is old
        assert not isinstance(node, newer), f"line {node.lineno}"
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            annotated = [a for a in [*arguments.args, arguments.vararg, arguments.kwarg] if a and a.annotation]
            assert not (arguments.kwonlyargs or arguments.posonlyargs or annotated or node.returns), node.name
        assert not (isinstance(node, ast.Raise) and node.cause)


def test_words_are_passed_on():
    python = launch.venv_python("somewhere")
    assert launch.child_command("somewhere", []) == [python, "-m", "app.main"]
    assert launch.child_command("somewhere", ["--port", "8000"]) == [python, "-m", "app.main", "--port", "8000"]
    assert launch.child_command("somewhere", ["test"]) == [python, "-m", "pytest"]
    assert launch.child_command("somewhere", ["test", "-k", "a b"]) == [python, "-m", "pytest", "-k", "a b"]
    assert launch.child_command("somewhere", ["demo", "--labels", "5"]) == [
        python,
        "-m",
        "leaml",
        "demo",
        "--labels",
        "5",
    ]


def test_children_are_private_and_offline_unless_the_user_chose_otherwise():
    environment = launch.child_environment("/studio", {"PATH": "/bin", "PYTHONPATH": "/mine", "DO_NOT_TRACK": "0"})
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["HF_HUB_DISABLE_TELEMETRY"] == environment["DO_NOT_TRACK"] == "1"
    assert environment["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert environment["TOKENIZERS_PARALLELISM"] == "false"
    assert environment["PATH"] == "/bin"
    assert environment["PYTHONPATH"] == os.pathsep.join(["/studio", "/mine"])
    assert launch.child_environment("/studio", {"HF_HUB_OFFLINE": "0"})["HF_HUB_OFFLINE"] == "0"


def test_errors_of_the_operating_system_are_one_sentence():
    full = launch.explain_os_error(OSError(errno.ENOSPC, "No space left on device"))
    denied = launch.explain_os_error(PermissionError(errno.EACCES, "Permission denied", "/studio/.venv"))
    assert full.startswith("The disk is full")
    assert denied == (
        "/studio/.venv cannot be used (Permission denied): check who may write there and run the same command again."
    )


def test_main_says_what_is_wrong_without_a_trace(monkeypatch, capsys):
    def full_disk(root):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(launch, "set_up", full_disk)
    assert launch.main(["demo"]) == 2
    assert capsys.readouterr().err == "The disk is full: free several GB and run the same command again.\n"


@pytest.mark.parametrize(
    ("answer", "card", "said"),
    [
        ("2.13.0+cpu none\n\n", False, "it sees no NVIDIA card, so everything runs on the processor"),
        ("2.13.0+cpu none\n\n", True, "choose a CUDA build on pytorch.org/get-started"),
        ("2.13.0+cu130 13.0\n\n", True, "its driver may be too old"),
        ("2.13.0+cu130 13.0\nNVIDIA H200\n", True, "uses the graphics card NVIDIA H200"),
    ],
)
def test_the_torch_build_is_described_with_what_to_do(answer, card, said):
    sentence = launch.torch_sentence(answer, card)
    assert sentence.startswith(f"torch {answer.split()[0]} is installed")
    assert said in sentence


def test_torch_is_asked_once_per_installation(tmp_path, monkeypatch):
    asked = []

    def answer(command, **_):
        asked.append(command)
        return b"2.13.0+cpu none\n\n"

    monkeypatch.setattr(launch, "has_nvidia_card", lambda: False)
    monkeypatch.setattr(launch.subprocess, "check_output", answer)
    stamp = tmp_path / launch.STAMP
    stamp.parent.mkdir()
    stamp.write_text("installed")
    first = launch.describe_torch(str(tmp_path))
    assert launch.describe_torch(str(tmp_path)) == first
    assert len(asked) == 1
    later = os.path.getmtime(tmp_path / launch.TORCH) + 10
    os.utime(stamp, (later, later))  # installed anew
    launch.describe_torch(str(tmp_path))
    assert len(asked) == 2


def test_no_word_describes_torch_and_starts_the_app(monkeypatch, capsys):
    started = []
    monkeypatch.setattr(launch, "set_up", lambda root: None)
    monkeypatch.setattr(launch, "describe_torch", lambda root: "torch is here.")
    monkeypatch.setattr(launch, "start", lambda command, environment, folder: started.append(command) or 0)
    assert launch.main([]) == 0
    assert capsys.readouterr().out == "torch is here.\n"
    assert started == [[launch.venv_python(str(ROOT)), "-m", "app.main"]]


def test_a_torch_that_cannot_be_loaded_is_said(monkeypatch, capsys):
    def broken(root):
        raise subprocess.CalledProcessError(1, "python")

    monkeypatch.setattr(launch, "set_up", lambda root: None)
    monkeypatch.setattr(launch, "describe_torch", broken)
    assert launch.main([]) == 2
    assert "delete the .venv folder" in capsys.readouterr().err


def test_output_is_logged_and_its_exit_code_returned(tmp_path, capsys):
    (tmp_path / ".venv").mkdir()
    code = "import sys; print('Collecting torch==2.13.0 (from -r …)'); print('ERROR', file=sys.stderr); sys.exit(7)"
    exit_code, output = launch.run_logged([sys.executable, "-c", code], str(tmp_path))
    assert exit_code == 7
    assert sorted(output.splitlines()) == ["Collecting torch==2.13.0 (from -r …)", "ERROR"]
    assert sorted((tmp_path / launch.LOG).read_text(encoding="utf-8").splitlines()) == sorted(output.splitlines())
    assert capsys.readouterr().out == "  Collecting torch\n"


def test_the_exit_code_of_the_child_is_that_of_launch(tmp_path):
    child = "[sys.executable, '-c', 'import sys; sys.exit(5)']"
    code = f"import launch, os, sys; sys.exit(launch.start({child}, os.environ, sys.argv[1]))"
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, timeout=60).returncode == 5


def test_two_set_ups_at_once_wait_for_each_other(tmp_path):
    with launch.only_one(str(tmp_path)), open(tmp_path / launch.LOCK, "a") as second:
        assert not launch.take_lock(second)
    with open(tmp_path / launch.LOCK, "a") as second:
        assert launch.take_lock(second)


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == leaml.__version__
