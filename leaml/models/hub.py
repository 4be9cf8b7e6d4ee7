"""Models of the Hugging Face hub: is one on this computer, what would it cost to fetch it, and fetching it.

    cached("owner/name@revision")           # Snapshot(folder, commit), or None; never asks the network
    offer = ask("owner/name")               # size, licence, whether it is gated
    for progress in download("owner/name", offer.commit): ...

A person's yes opens the network to one process alone, `leaml.models.hub_process`, which asks or fetches, and ends;
everything else runs with HF_HUB_OFFLINE. What it sends is the model's name, and a token where somebody has logged in.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaml.errors import ModelError
from leaml.records import Progress, Result

ROOT = Path(__file__).resolve().parents[2]
"""Where `leaml` stands: the child is started there, so that it finds it."""
NAME = re.compile(r"(?P<name>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>\w[\w./-]*))?", re.ASCII)
ONE_FILE, INDEX = "model.safetensors", "model.safetensors.index.json"
MEGABYTE = 10**6
MESSAGE = "Downloading (megabytes)"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A model of the hub as it lies on this computer."""

    folder: Path
    commit: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody should know of a model before fetching it."""

    model: str
    """As it was asked for: owner/name, or owner/name@revision."""
    commit: str
    page: str
    size: int
    """Bytes of what is fetched."""
    here: int
    """Bytes of that which are on this computer already."""
    free: int
    """Bytes that are free where models are kept."""
    licence: str
    gated: bool
    let_in: bool
    """Whether whoever is logged in here has accepted the terms of a gated model."""
    parameters: int | None

    def sentences(self) -> list[str]:
        """The same in words."""
        left = self.size - self.here
        weights = f"{self.parameters / 1e6:,.0f} million weights, " if self.parameters else ""
        here = "on this computer already" if not left else f"{gigabytes(left)} to download"
        gated = "It is gated, and you are let in." if self.let_in else " ".join(is_gated(self.model, self.page))
        return [
            f"{self.model}: {weights}{gigabytes(self.size)}, {here}.",
            f"Licence: {self.licence}. {self.page}",
            *([gated] if self.gated else []),
            f"Version: {self.commit}.",
        ]


def gigabytes(size: int) -> str:
    """A number of bytes as people read it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / MEGABYTE))} MB"


# ---- on this computer --------------------------------------------------------------------------------------------


def named(model: str) -> tuple[str, str] | None:
    """Name and revision of what looks like a model of the hub; None where it does not."""
    found = NAME.fullmatch(model)
    return (found["name"], found["revision"] or "main") if found and ".." not in model else None


def cached(model: str) -> Snapshot | None:
    """The model as it was fetched before; None where it was not, or is no name of the hub."""
    name = named(model)
    if name is None:
        return None
    from huggingface_hub import try_to_load_from_cache  # takes its time: not for those who name no hub

    config = try_to_load_from_cache(name[0], "config.json", revision=name[1])
    return Snapshot(Path(config).parent, Path(config).parent.name) if isinstance(config, str) else None


def is_fetched(model: str) -> bool:
    """Whether all of its weights are on this computer, too."""
    found = cached(model)
    try:
        return found is not None and all((found.folder / part).is_file() for part in parts_of(found.folder))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # a list of parts that is damaged
        return False


def parts_of(folder: Path) -> set[str]:
    """Names of a model's files of weights, by the list that goes with large ones; others have one file."""
    index = folder / INDEX
    return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()) if index.is_file() else {ONE_FILE}


def pinned(model: str) -> str:
    """`owner/name@commit` of a model of the hub that is on this computer; any other name as it is."""
    found = cached(model)
    return f"{named(model)[0]}@{found.commit}" if found else model


def is_gated(model: str, page: str) -> tuple[str, str]:
    """What is wrong and what to do, where somebody is not let in."""
    what = f"{model} is gated: it is given only to people who have accepted its terms."
    return what, f"Log in at {page} and accept them there; then log in here with {how_to_log_in()}, and try again."


def how_to_log_in() -> str:
    """The command that keeps a token of the hub on this computer."""
    return f"{Path(sys.executable).with_name('hf')} auth login"


def how_to_fetch(model: str) -> str:
    """The next step, where a model is not here."""
    return f"Download it: {download_command(model)} (or by Download on the Project screen)."


def download_command(model: str) -> str:
    """The command that fetches a model, or goes on with that."""
    return f"python launch.py download {model}"


# ---- from the hub ------------------------------------------------------------------------------------------------


def ask(model: str) -> Offer:
    """Asks the hub about a model.

    Raises:
        ModelError: it is no name of a model, there is none such, it cannot be used here, or nobody answers.
    """
    *_, last = _said("ask", model)
    return Offer(**last["offer"])


def download(model: str, commit: str = "") -> Generator[Progress, str | None, Result]:
    """A stage: fetches a model into the hub's cache. Closed before its end, it goes on there the next time.

    Args:
        commit: what was shown to somebody who said yes to it; another one is not fetched.

    Yields:
        How many of how many megabytes are here.

    Raises:
        ModelError: as `ask`, or it has changed since, is gated, or there is not enough space.
    """
    with closing(_said("fetch", model, commit)) as told:
        offer = Offer(**next(told)["offer"])
        total = max(1, offer.size // MEGABYTE)
        yield Progress(offer.here // MEGABYTE, total, MESSAGE)
        for said in told:
            if "folder" in said:
                yield Progress(total, total, MESSAGE)
                yield Result({"megabytes": offer.size / MEGABYTE}, Path(said["folder"]))
            else:
                yield Progress(min(total, (offer.here + said["bytes"]) // MEGABYTE), total, MESSAGE)


def _said(word: str, model: str, *more: str) -> Generator[dict[str, Any], None, None]:
    """What the process with a network says, line by line; the last has the `offer`, or the `folder`."""
    if named(model) is None:
        raise ModelError(f"{model} is no name of a model on the hub.", "Give owner/name, or owner/name@revision.")
    command = [sys.executable, "-m", "leaml.models.hub_process", word, model, *more]
    own = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUTF8": "1"}
    child = subprocess.Popen(command, cwd=ROOT, env=os.environ | own, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, encoding="utf-8")  # fmt: skip
    said: dict[str, Any] = {}
    try:
        for line in child.stdout:
            said = json.loads(line)
            if "error" in said:
                raise ModelError(said["error"], said["fix"])
            yield said
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    if {"ask": "offer", "fetch": "folder"}[word] not in said:
        raise ModelError(f"The process that asks for {model} ended by itself.", "Try again; what is here is kept.")
