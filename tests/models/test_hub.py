"""Models of the hub: what is shown before a download, the download, what may go wrong, and the cache without a network.

The hub is a server on this computer. Where no process of its own is started, its words are heard in this one.
"""

import shutil

import pytest
from huggingface_hub import constants

from leaml.errors import ModelError
from leaml.models import hub, hub_process
from leaml.models.hub import Offer, cached, how_to_log_in, named, pinned
from leaml.models.load import load
from leaml.records import Progress, Result
from tests import tiny_models
from tests.local_hub import LocalHub, ask_here, empty_cache, heard

NAME = "clinic/tiny"
ABOUT = {"config": {"model_type": "idefics3"}, "cardData": {"license": "apache-2.0"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small model as its authors publish it: with a page, pictures, and weights for other programs."""
    folder = tmp_path_factory.mktemp("published")
    model, processor = tiny_models.idefics3()
    model.save_pretrained(folder, max_shard_size="100KB")
    processor.save_pretrained(folder)
    (folder / "README.md").write_text("# tiny")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}")
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    return empty_cache(monkeypatch, tmp_path / "cache")


@pytest.fixture
def online(monkeypatch, cache):
    """Lets this process ask a local hub: `online(address)`."""
    return lambda address: ask_here(monkeypatch, address)


def fetched(*words: str) -> list[dict]:
    return heard("fetch", *words)


# --- What is shown -----------------------------------------------------------------------------------------


def test_size_licence_and_version_are_told_before_anything_is_fetched(folder, online, cache):
    with LocalHub({NAME: folder}, safetensors={"parameters": {"F32": 74000}, "total": 74000}, **ABOUT) as server:
        online(server.address)
        [said] = heard("ask", NAME)
    offer = Offer(**said["offer"])
    needed = [file for file in folder.iterdir() if file.suffix in (".json", ".jinja", ".safetensors")]
    assert offer.size == sum(file.stat().st_size for file in needed) and offer.here == 0
    assert (offer.commit, offer.licence, offer.gated) == (server.commit, "apache-2.0", False)
    assert offer.free > 0 and offer.page == f"{server.address}/{NAME}"
    assert "Licence: apache-2.0." in offer.sentences()[1] and "gated" not in " ".join(offer.sentences())
    assert not any("resolve" in path for path in server.asked) and not cache.exists()


def test_a_licence_of_its_own_is_told_by_its_name_and_address(folder, online):
    card = {"license": "other", "license_name": "health", "license_link": "https://example.org/terms"}
    unsaid = "not stated; ask who made it before you use it"
    for data, told in ((card, "health https://example.org/terms"), ({}, unsaid)):
        with LocalHub({NAME: folder}, **ABOUT | {"cardData": data}) as server:
            online(server.address)
            assert heard("ask", NAME)[0]["offer"]["licence"] == told


def test_a_gated_model_is_explained_and_not_fetched(folder, online, cache):
    with LocalHub({NAME: folder}, let_in=False, gated="manual", **ABOUT) as server:
        online(server.address)
        offer = Offer(**heard("ask", NAME)[0]["offer"])
        refused = fetched(NAME, "")[-1]
    assert offer.gated and not offer.let_in
    for said in (offer.sentences()[2], f"{refused['error']} {refused['fix']}"):
        assert "is gated" in said and f"{server.address}/{NAME}" in said and how_to_log_in() in said
    assert not any("resolve" in path for path in server.asked)
    with LocalHub({NAME: folder}, gated="auto", **ABOUT) as server:
        online(server.address)
        assert heard("ask", NAME)[0]["offer"]["let_in"] and "folder" in fetched(NAME, "")[-1]


@pytest.mark.parametrize(
    ("files", "config", "said"),
    [
        (("config.json", "pytorch_model.bin"), {}, "holds its weights as pickle only"),
        (("config.json", "model-Q4.gguf"), {}, "holds GGUF files, for other programs"),
        (("adapter_config.json", "adapter_model.safetensors"), {}, "holds an adapter, not a model"),
        (("model.safetensors",), {}, "has no config.json"),
        (("config.json",), {}, "has no weights"),
        (("config.json", "model.safetensors"), {"model_type": "llama"}, "(llama) does not read pictures"),
        (("config.json", "model.safetensors"), {"model_type": "own", "auto_map": {"AutoConfig": "own.py"}},
         "needs Python code of its own (auto_map in its config.json), which is never run here"),
        (("config.json", "model.safetensors"), {"model_type": "from_2031"}, "does not know (from_2031)"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_before_it_is_fetched(tmp_path, online, files, config, said):
    (tmp_path / "published").mkdir()
    for file in files:
        (tmp_path / "published" / file).write_bytes(b"{}")
    with LocalHub({NAME: tmp_path / "published"}, config=config) as server:
        online(server.address)
        [refused] = heard("fetch", NAME, "")
    assert said in refused["error"] and refused["fix"]


# --- What goes wrong ---------------------------------------------------------------------------------------


def test_a_wrong_name_and_a_wrong_version_say_so(folder, online):
    with LocalHub({NAME: folder}, **ABOUT) as server:
        online(server.address)
        assert heard("ask", "clinic/tyny")[0]["error"].startswith("There is no model clinic/tyny on 127.0.0.1")
        assert "Check the name" in heard("ask", "clinic/tyny")[0]["fix"]
        assert heard("ask", f"{NAME}@v9")[0]["error"] == f"{NAME} has no version v9."


def test_a_token_that_the_hub_does_not_know_and_a_hub_that_is_ill_say_so(online):
    with LocalHub({}, fails=(401, "Invalid credentials in Authorization header")) as server:
        online(server.address)
        [said] = heard("ask", NAME)
    assert "does not know the token" in said["error"] and how_to_log_in() in said["fix"]
    with LocalHub({}, fails=(503, "asleep")) as server:
        online(server.address)
        assert heard("ask", NAME)[0]["error"].endswith("answers with an error (503).")


def test_without_a_network_the_next_step_is_told(online):
    with LocalHub({}) as server:
        pass
    online(server.address)  # where nobody answers any more
    [said] = heard("ask", NAME)
    assert f"{server.address.removeprefix('http://')} cannot be reached" in said["error"]
    assert "Check the connection" in said["fix"] and "copy the model's folder" in said["fix"]


def test_a_version_that_nobody_said_yes_to_is_not_fetched(folder, online, cache):
    with LocalHub({NAME: folder}, **ABOUT) as server:
        online(server.address)
        assert "has changed since it was shown" in fetched(NAME, "f" * 40)[-1]["error"]
    assert not cache.exists()


def test_too_little_space_is_said_with_figures_before_anything_is_fetched(folder, online, cache, monkeypatch):
    monkeypatch.setattr(hub_process, "_free", lambda folder: 10)
    with LocalHub({NAME: folder}, **ABOUT) as server:
        online(server.address)
        assert "needs 1 MB more, and 1 MB are free" in fetched(NAME, "")[-1]["error"]
    assert not cache.exists()


def test_a_download_that_broke_off_is_named_when_it_is_loaded_and_goes_on_later(folder, online, cache):
    shards = sorted(file.name for file in folder.glob("model-*.safetensors"))
    with LocalHub({NAME: folder}, cut_off=(shards[1],), **ABOUT) as server:
        online(server.address)
        assert "cannot be reached" in fetched(NAME, server.commit)[-1]["error"]
    pin = f"{NAME}@{server.commit}"
    assert cached(pin) and not hub.is_fetched(pin)
    with pytest.raises(ModelError, match=rf"lacks \d of the {len(shards)} parts of its weights") as caught:
        load(pin)
    assert caught.value.fix == f"Go on with its download: python launch.py download {pin}"
    with LocalHub({NAME: folder}, **ABOUT) as server:
        online(server.address)
        assert "folder" in fetched(NAME, "")[-1]
        assert not any(path.endswith("resolve/config.json") for path in server.asked)  # what was whole is kept
    assert load(NAME).name == pin and hub.is_fetched(NAME)


# --- The whole way, by a process of its own ----------------------------------------------------------------


def test_a_model_is_fetched_by_a_process_of_its_own_and_loads_without_a_network(folder, cache, monkeypatch):
    with pytest.raises(ModelError, match=f"{NAME} is not on this computer") as caught:
        load(NAME)
    assert caught.value.fix.startswith(f"Download it: python launch.py download {NAME}")
    with LocalHub({NAME: folder}, **ABOUT) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        with pytest.raises(ModelError, match="There is no model clinic/other"):
            hub.ask("clinic/other")
        events = list(hub.download(f"{NAME}@v1", server.commit))
        asked = list(server.asked)
        loaded = load(f"{NAME}@v1")
        assert server.asked == asked  # loading asks nobody
    assert constants.HF_HUB_OFFLINE  # this process has no network, before or after
    assert not any(part in path for path in asked for part in ("README", "pytorch_model", "onnx"))
    *steps, result = events
    assert isinstance(result, Result) and all(isinstance(step, Progress) for step in steps)
    assert steps[-1].step == steps[-1].total and result.path == cached(f"{NAME}@v1").folder
    assert loaded.name == f"{NAME}@{server.commit}" == pinned(f"{NAME}@v1")
    assert loaded.model.name_or_path == NAME  # what an adapter names as its base
    assert cached(NAME) is None and cached(pinned(f"{NAME}@v1")) == cached(f"{NAME}@v1")


# --- Names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a/b", ("a", "b", "main")), ("Qwen/Qwen3-VL-4B@v1.0", ("Qwen", "Qwen3-VL-4B", "v1.0")), ("nano", None),
        ("a/b/c", None), ("./a/b", None), ("/a/b", None), ("~/b", None), ("a/b@../../x", None), ("a\\b", None),
        ("a/b@", None), ("--a/b", None), ("a/b c", None),
    ],
)  # fmt: skip
def test_names_of_the_hub_are_told_from_places(text, name, cache):
    assert named(text) == (name and ("/".join(name[:2]), name[2]))
    assert pinned(text) == text and cached(text) is None


def test_a_snapshot_without_its_weights_says_how_to_go_on(folder, cache):
    """As it lies there when a download was ended by force after its small files."""
    snapshot = cache / "models--clinic--tiny" / "snapshots" / "1234"
    shutil.copytree(folder, snapshot, ignore=shutil.ignore_patterns("*.safetensors", "*.bin", "*.index.json"))
    reference = cache / "models--clinic--tiny" / "refs" / "main"
    reference.parent.mkdir()
    reference.write_text("1234")
    assert cached(NAME).commit == "1234" and not hub.is_fetched(NAME)
    with pytest.raises(ModelError, match="has no weights") as caught:
        load(NAME)
    assert "python launch.py download clinic/tiny" in caught.value.fix
