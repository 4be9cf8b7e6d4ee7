"""Life and turn-taking of processes, by locks of the operating system: they go when their holder goes, however it goes.

    <run folder>/lock      held by the worker of a run for as long as it lives
    <home>/device.lock     held by whoever computes: the device belongs to the machine, not to a project
    <home>/device.wanted   held by whoever waits for the device, so that its holder can tell and leave
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from leaml.errors import StorageError

SECONDS_BETWEEN_TRIES = 0.2


def run_lock(folder: Path) -> FileLock:
    """The lock of the run in `folder`, not yet taken."""
    return FileLock(folder / "lock")


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock file at `path`. A file that is not there is held by nobody."""
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def take(lock: FileLock, seconds: float) -> bool:
    """Tries for some seconds to take a lock; says whether it did.

    Raises:
        StorageError: the lock file cannot be made.
    """
    try:
        lock.acquire(timeout=seconds, poll_interval=0.05)
    except Timeout:
        return False
    except OSError as error:
        what = f"{lock.lock_file} cannot be written: {error.strerror or error}."
        raise StorageError(what, "Check the folder and the free space.") from error
    return True


@contextmanager
def device(home: Path, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Holds the device of this machine; waits for it as long as it takes.

    Args:
        while_waiting: called a few times a second until the device is free; what it raises ends the waiting.
    """
    wanted, computing = FileLock(home / "device.wanted"), FileLock(home / "device.lock")
    try:
        _wait(wanted, while_waiting)
        _wait(computing, while_waiting)
        wanted.release()
        yield
    finally:
        wanted.release()
        computing.release()


def device_if_free(home: Path) -> FileLock | None:
    """The device's lock, taken, or None where somebody computes or waits to."""
    if device_is_wanted(home):
        return None
    computing = FileLock(home / "device.lock")
    return computing if take(computing, 0) else None


def device_is_wanted(home: Path) -> bool:
    """Whether somebody waits for the device, so that its holder should leave when it can."""
    return is_held(home / "device.wanted")


def _wait(lock: FileLock, while_waiting: Callable[[], None]) -> None:
    while not take(lock, SECONDS_BETWEEN_TRIES):
        while_waiting()
