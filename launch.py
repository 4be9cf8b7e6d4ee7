"""Sets LEAML Studio up and starts it. Needs nothing but Python.

    python launch.py              set up (again only when the requirements changed), then open the app in the browser
    python launch.py --port 8000  the same, with options of the app: --port, --home FOLDER, --no-browser
    python launch.py test ...     pass the tests; further words go to pytest, such as -k scoring
    python launch.py demo ...     the whole loop without a screen, on the sample project or on a folder of your own
    python launch.py WORD ...     any other verb of `python -m leaml`

Everything is installed into .venv beside this file; pip's own words stand in .venv/install.log.
"""
# Written in what Python 2.7 and Python 3 have in common, and in ASCII: an old Python must get far enough to say that it
# is too old. Hence no annotations and no f-strings in this one file.

from __future__ import print_function

import contextlib
import errno
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import time

OLDEST_PYTHON = (3, 11)
ROOT = os.path.dirname(os.path.abspath(__file__))

LOG = os.path.join(".venv", "install.log")
STAMP = os.path.join(".venv", "installed.sha256")
UNFINISHED = os.path.join(".venv", "unfinished")
TORCH = os.path.join(".venv", "torch.txt")
LOCK = ".venv.lock"

NETWORK_FAILURES = re.compile(
    "NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|Max retries exceeded"
    "|name resolution|Name or service not known|getaddrinfo failed|Network is unreachable|Connection refused"
    "|Connection reset|Connection broken|timed out|CERTIFICATE_VERIFY_FAILED"
)
FULL_DISK = re.compile(r"No space left on device|\[Errno 28\]|not enough space on the disk|\[WinError 112\]|Disk quota")
NO_VENV_MODULE = re.compile("ensurepip is not available|No module named .?(venv|ensurepip)")
NO_BUILD = re.compile(r"No matching distribution found for (\S+)")
WORTH_SEEING = re.compile(r"\s*(Collecting [^\s<>=!~;\[]+|Installing collected packages)")


ASK_TORCH = "import torch; print(torch.__version__, torch.version.cuda or torch.version.hip or 'none'); \
print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"


class SetupError(Exception):
    """Set-up cannot go on. Its text is one sentence: what is wrong, and what to do."""


def require_python(version):
    """Raise SetupError if `version`, a tuple as in sys.version_info, is too old."""
    if tuple(version[:2]) < OLDEST_PYTHON:
        raise SetupError(
            "LEAML Studio needs Python {}.{} or newer and this is Python {}.{}: install a newer one from python.org "
            "and start launch.py with it.".format(*(OLDEST_PYTHON + tuple(version[:2])))
        )


# The environment: .venv, and whether it is whole


def venv_python(root):
    """Path of the interpreter inside .venv."""
    inside = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(root, ".venv", *inside)


def venv_version(root):
    """Version of the interpreter inside .venv, such as '3.11.7'; None if there is none that runs."""
    question = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    try:
        answer = subprocess.check_output([venv_python(root), "-c", question], stderr=subprocess.STDOUT)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.decode("ascii", "replace").strip()


def fingerprint(root, version):
    """Hash of what an installation depends on: requirements.txt and the interpreter's version."""
    with open(os.path.join(root, "requirements.txt"), "rb") as requirements:
        return hashlib.sha256(requirements.read() + version.encode("ascii")).hexdigest()


def is_ready(root):
    """Whether .venv is whole and holds what requirements.txt asks for today."""
    stamp = os.path.join(root, STAMP)
    if os.path.exists(os.path.join(root, UNFINISHED)) or not os.path.exists(stamp):
        return False
    version = venv_version(root)
    if version is None:
        return False
    with open(stamp) as installed:
        return installed.read() == fingerprint(root, version)


def write(path, text):
    with open(path, "w") as handle:
        handle.write(text)


# Setting up


def take_lock(handle):
    """Try to lock an open file against other processes; whether that worked."""
    try:
        if os.name == "nt":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True


@contextlib.contextmanager
def only_one(root):
    """Hold the set-up lock of this folder: two set-ups at once would spoil each other's .venv."""
    with open(os.path.join(root, LOCK), "a") as handle:
        if not take_lock(handle):
            print("Another launch.py is setting up in this folder; waiting for it.")
            while not take_lock(handle):
                time.sleep(0.5)
        yield


def run_logged(command, root):
    """Run `command`, add its output to the log, show its main steps; returns (exit code, output)."""
    environment = dict(os.environ, PYTHONUTF8="1")
    process = subprocess.Popen(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lines = []
    try:
        with io.open(os.path.join(root, LOG), "a", encoding="utf-8") as log:
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                lines.append(line)
                log.write(line + "\n")
                step = WORTH_SEEING.match(line)
                if step:
                    print("  " + step.group(1))
                    sys.stdout.flush()
        return process.wait(), "\n".join(lines)
    finally:
        if process.poll() is None:  # the log could not be written, or Ctrl-C
            process.kill()
            process.wait()


def make_venv(root, run):
    """Make .venv anew. It counts as unfinished until the requirements are in it, too."""
    folder = os.path.join(root, ".venv")
    if os.path.lexists(folder):
        print("The .venv folder is not whole; making it anew.")
        shutil.rmtree(folder)
    os.mkdir(folder)
    write(os.path.join(root, UNFINISHED), "set-up was broken off; launch.py makes this folder anew\n")
    # Started from inside .venv, the interpreter to build upon is the one that .venv was made with.
    python = getattr(sys, "_base_executable", None) or sys.executable
    code, output = run([python, "-m", "venv", folder], root)
    if code:
        raise SetupError(explain(output, "Making the .venv folder failed"))


def install(root, run):
    """Install requirements.txt into .venv, and note in the stamp that it is there."""
    print("Installing what requirements.txt names into .venv: this takes some minutes, once.")
    unfinished = os.path.join(root, UNFINISHED)
    write(unfinished, "installation was broken off; launch.py makes this folder anew\n")
    pip = [venv_python(root), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    code, output = run(pip + ["--progress-bar", "off", "--requirement", "requirements.txt"], root)
    if code:
        if NETWORK_FAILURES.search(output) and not FULL_DISK.search(output):
            os.remove(unfinished)  # pip fetches everything before it installs anything: .venv is as it was
        raise SetupError(explain(output, "Installing the requirements failed"))
    write(os.path.join(root, STAMP), fingerprint(root, venv_version(root)))
    os.remove(unfinished)


def explain(output, what):
    """One sentence on why pip or venv failed, from what they printed."""
    log = "pip's words stand in {}".format(LOG)
    if FULL_DISK.search(output):
        return "The disk is full: free several GB and run the same command again ({}).".format(log)
    if NO_VENV_MODULE.search(output):
        return (
            "This Python lacks its venv module: install it (on Debian and Ubuntu: apt install python{}.{}-venv) "
            "and run the same command again.".format(*sys.version_info[:2])
        )
    if NETWORK_FAILURES.search(output):
        return (
            "pip cannot reach its package index: check the network connection or proxy and run the same command "
            "again ({}).".format(log)
        )
    missing = NO_BUILD.search(output)
    if missing:
        return "pip finds no {} for Python {}.{} on this computer: try another Python from 3.11 on ({}).".format(
            missing.group(1), sys.version_info[0], sys.version_info[1], log
        )
    return "{}: the reason stands at the end of {}.".format(what, LOG)


def set_up(root, run=run_logged):
    """Bring .venv to what requirements.txt asks for; does nothing where it is so already.

    `run(command, root)` returns (exit code, output). Raises SetupError.
    """
    if is_ready(root):
        return
    with only_one(root):
        if is_ready(root):  # another launch.py has done it meanwhile
            return
        if os.path.exists(os.path.join(root, UNFINISHED)) or venv_version(root) is None:
            make_venv(root, run)
        install(root, run)


# The torch build


def torch_sentence(answer, card):
    """What a user should know of the torch build.

    `answer` is what ASK_TORCH printed, `card` whether this computer has an NVIDIA card, whatever torch sees.
    """
    first, device = (answer.splitlines() + [""])[:2]
    version, platform = first.split()
    if device:
        return "torch {} is installed and uses the graphics card {}.".format(version, device)
    if card and platform == "none":
        return (
            "torch {} is installed, a build for the processor alone, and this computer has an NVIDIA card: choose a "
            "CUDA build on pytorch.org/get-started, and install it into .venv with the pip command shown "
            "there.".format(version)
        )
    if card:
        return "torch {} is installed but cannot use the NVIDIA card: its driver may be too old.".format(version)
    return "torch {} is installed; it sees no NVIDIA card, so everything runs on the processor.".format(version)


def has_nvidia_card():
    """Whether NVIDIA's driver names a card."""
    try:
        return b"GPU" in subprocess.check_output(["nvidia-smi", "-L"], stderr=subprocess.STDOUT)
    except (OSError, subprocess.CalledProcessError):
        return False


def describe_torch(root):
    """The sentence on torch; asked of torch itself once per installation, since that takes seconds."""
    kept, stamp = os.path.join(root, TORCH), os.path.join(root, STAMP)
    if not os.path.exists(kept) or os.path.getmtime(kept) < os.path.getmtime(stamp):
        answer = subprocess.check_output([venv_python(root), "-c", ASK_TORCH], stderr=subprocess.STDOUT)
        write(kept, torch_sentence(answer.decode("utf-8", "replace"), has_nvidia_card()))
    with open(kept) as sentence:
        return sentence.read()


# Starting


def child_environment(root, given):
    """Environment of what is started: private, offline unless the user chose otherwise, and leaml importable."""
    environment = dict(given)
    environment.update(HF_HUB_DISABLE_TELEMETRY="1", GRADIO_ANALYTICS_ENABLED="False", DO_NOT_TRACK="1")
    environment.setdefault("HF_HUB_OFFLINE", "1")
    environment.setdefault("TOKENIZERS_PARALLELISM", "false")
    environment.setdefault("PYTHONUTF8", "1")  # a Windows console would else refuse signs such as an arrow
    paths = [root] + [path for path in given.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def child_command(root, words):
    """The command that `words` stand for: the app where there are none, or options alone."""
    if not words or words[0].startswith("-"):
        return [venv_python(root), "-m", "app.main"] + words
    if words[0] == "test":
        return [venv_python(root), "-m", "pytest"] + words[1:]
    return [venv_python(root), "-m", "leaml"] + words


def start(command, environment, folder):
    """Run `command` in `folder` in place of this process where that is possible; returns its exit code."""
    os.chdir(folder)
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], command, environment)  # signals and exit code are the child's own
    child = subprocess.Popen(command, env=environment)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the child got it as well, and ends in its own way
            continue


def explain_os_error(error):
    """One sentence on an error of the operating system during set-up."""
    if error.errno == errno.ENOSPC or getattr(error, "winerror", None) == 112:
        return "The disk is full: free several GB and run the same command again."
    return "{} cannot be used ({}): check who may write there and run the same command again.".format(
        error.filename or ROOT, error.strerror or error
    )


def main(words):
    try:
        require_python(sys.version_info)
        if words[:1] in (["-h"], ["--help"]):
            print(__doc__.strip())
            return 0
        set_up(ROOT)
        command = child_command(ROOT, words)
        if "app.main" in command:
            print(describe_torch(ROOT))
        # pytest finds its settings and tests from the root; verbs take paths as the user sees them
        folder = ROOT if words[:1] == ["test"] else os.getcwd()
        return start(command, child_environment(ROOT, os.environ), folder)
    except SetupError as error:
        print(error, file=sys.stderr)
    except subprocess.CalledProcessError:
        print("torch cannot be loaded: delete the .venv folder and run the same command again.", file=sys.stderr)
    except OSError as error:
        print(explain_os_error(error), file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped; the same command takes it up again.", file=sys.stderr)
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
