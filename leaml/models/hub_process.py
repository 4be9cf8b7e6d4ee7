"""The one process with a network: asks the hub about a model, or fetches it, and says what comes of it as JSON lines.

    python -m leaml.models.hub_process ask owner/name@revision
    python -m leaml.models.hub_process fetch owner/name COMMIT      # that commit, or none

`leaml.models.hub` starts it, and reads: `{"offer": …}`, then `{"bytes": …}` again and again, last `{"folder": …}`; or
`{"error": …, "fix": …}`.
"""

import glob
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any, TextIO

from huggingface_hub import HfApi, constants, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm import tqdm

from leaml.errors import ModelError
from leaml.models.folders import WEIGHTS, refuse_kind, refuse_names
from leaml.models.hub import Offer, gigabytes, how_to_log_in, is_gated, named

KEPT = (".json", ".jinja", ".txt", ".model")
"""What a model needs beside its weights: settings, templates, the tokenizer's words."""
SECONDS_BETWEEN_WORDS = 0.5


def main(words: Sequence[str], out: TextIO) -> int:
    """`ask MODEL` or `fetch MODEL COMMIT`; says what comes of it as lines of JSON."""
    try:
        offer, files = _offer(words[1])
        _say(out, offer=asdict(offer))
        if words[0] == "fetch":
            _refuse_offer(offer, words[2])
            _say(out, folder=_fetch(offer, files, out))
    except ModelError as error:
        _say(out, error=error.what, fix=error.fix)
    return 0


def _say(out: TextIO, **said: Any) -> None:
    out.write(json.dumps(said) + "\n")
    out.flush()


def _offer(model: str) -> tuple[Offer, list[str]]:
    """The offer, and the files that a model is made of."""
    name, revision = named(model)
    with _in_words(model):
        info = HfApi().model_info(name, revision=revision, files_metadata=True)
        let_in = not info.gated or _is_let_in(name)
    every = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    refuse_names(name, every)
    if info.config and info.config.get("model_type"):
        refuse_kind(name, info.config)
    sizes = {file: size for file, size in every.items() if _is_needed(file)}
    offer = Offer(
        model=model,
        commit=info.sha,
        page=_page(name),
        size=sum(sizes.values()),
        here=sum(size for file, size in sizes.items() if _is_here(name, info.sha, file)),
        free=_free(Path(constants.HF_HUB_CACHE)),
        licence=_licence(info.card_data),
        gated=bool(info.gated),
        let_in=let_in,
        parameters=info.safetensors.total if info.safetensors else None,
    )
    return offer, list(sizes)


def _is_needed(file: str) -> bool:
    return bool(WEIGHTS.fullmatch(file)) or ("/" not in file and PurePath(file).suffix in KEPT)


def _page(name: str) -> str:
    return f"{constants.ENDPOINT}/{name}"


def _is_let_in(name: str) -> bool:
    try:
        HfApi().auth_check(name)
    except GatedRepoError:
        return False
    return True


def _is_here(name: str, commit: str, file: str) -> bool:
    return isinstance(try_to_load_from_cache(name, file, revision=commit), str)


def _free(folder: Path) -> int:
    return shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.is_dir())).free


def _licence(card: Any) -> str:
    """As the model's page has it: a licence of its own goes by the name and address that are given for it."""
    said = dict(card.to_dict()) if card else {}
    licence = said.get("license")
    if licence == "other":
        licence = " ".join(filter(None, (said.get("license_name"), said.get("license_link"))))
    return str(licence or "not stated; ask who made it before you use it")


def _refuse_offer(offer: Offer, commit: str) -> None:
    if commit and offer.commit != commit:
        raise ModelError(f"{offer.model} has changed since it was shown to you.", "Look at it again, then download it.")
    if not offer.let_in:
        raise ModelError(*is_gated(offer.model, offer.page))
    if (missing := offer.size - offer.here) > offer.free:
        what = f"{offer.model} needs {gigabytes(missing)} more, and {gigabytes(offer.free)} are free."
        raise ModelError(what, "Make room, or set HF_HOME to a folder on another disk.")


class _Counted(tqdm):
    """A bar that is not drawn. Several count bytes; the furthest is how far the download is."""

    furthest = 0

    def display(self, *given: Any, **options: Any) -> None:
        pass

    def update(self, count: float | None = 1) -> Any:
        drawn = super().update(count)
        if self.unit == "B":
            _Counted.furthest = max(_Counted.furthest, int(self.n))
        return drawn


def _fetch(offer: Offer, files: Sequence[str], out: TextIO) -> str:
    """Fetches the files of an offer, and says meanwhile how far that is; returns their folder."""
    name, revision = named(offer.model)
    over = threading.Event()
    telling = threading.Thread(target=_tell, args=(out, over), daemon=True)
    telling.start()
    try:
        with _in_words(offer.model):
            only = [glob.escape(file) for file in files]
            folder = Path(snapshot_download(name, revision=offer.commit, allow_patterns=only, tqdm_class=_Counted))
    finally:
        over.set()
        telling.join()
    if revision != offer.commit:  # in the hub's cache, a branch or tag is a file that holds its commit
        reference = folder.parents[1] / "refs" / revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(offer.commit, encoding="utf-8")
    return str(folder)


def _tell(out: TextIO, over: threading.Event) -> None:
    """Says again and again how far it is; ends the process once nobody listens any more."""
    while not over.wait(SECONDS_BETWEEN_WORDS):
        try:
            _say(out, bytes=_Counted.furthest)
        except OSError:
            os._exit(1)


# ---- what went wrong ---------------------------------------------------------------------------------------------


@contextmanager
def _in_words(model: str) -> Iterator[None]:
    """Turns what the hub's library raises into a `ModelError` that says what to do."""
    name, revision = named(model)
    host = constants.ENDPOINT.split("://")[-1]
    try:
        yield
    except GatedRepoError as error:
        raise ModelError(*is_gated(name, _page(name))) from error
    except RevisionNotFoundError as error:
        what = f"{name} has no version {revision}."
        raise ModelError(what, "Give a branch, a tag or a commit, or leave out what stands behind @.") from error
    except HfHubHTTPError as error:
        raise _refused(name, host, error) from error
    except OSError as error:
        if error.filename:
            raise ModelError(f"{error.filename} cannot be written: {error.strerror}.", "Make room there.") from error
        raise _unreachable(host, error) from error
    except Exception as error:  # of the library beneath, which has names of its own for a lost connection
        raise _unreachable(host, error) from error


def _refused(name: str, host: str, error: HfHubHTTPError) -> ModelError:
    """The hub says 401 of what is not there, of what is another's, and of a token that it does not know."""
    status = error.response.status_code
    if "Invalid credentials" in str(error):
        return ModelError(f"{host} does not know the token that is kept here.", f"Log in again: {how_to_log_in()}")
    if isinstance(error, RepositoryNotFoundError) or status == 401:
        what = f"There is no model {name} on {host}, or it is a private one."
        return ModelError(what, f"Check the name, as its page has it; for a private one, log in: {how_to_log_in()}")
    return ModelError(f"{host} answers with an error ({status}).", "Try again later; what is here is kept.")


def _unreachable(host: str, error: Exception) -> ModelError:
    line = next(iter(str(error).splitlines()), "") or type(error).__name__
    what = f"{host} cannot be reached ({line[:200]})."
    return ModelError(what, "Check the connection; or copy the model's folder from elsewhere, and give that folder.")


if __name__ == "__main__":
    own_words, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no line of ours
    sys.exit(main(sys.argv[1:], own_words))
