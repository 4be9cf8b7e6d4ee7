"""`leaml presets` prints what to choose as flags, with the reasons below, or as JSON."""

import json

import pytest

from leaml.__main__ import main
from leaml.models.families import CARDS
from leaml.models.memory import Needed
from leaml.training import presets as module
from leaml.training.presets import Preset, Way

THRIFTY = Preset(12, Way("4bit", True, 4, 512), Needed(weights=5), ("4-bit, because …", "needs 9.5 GB"))


@pytest.fixture(autouse=True)
def chosen(monkeypatch) -> list:
    asked = []

    class Presets:
        def __init__(self, model: str, method: str) -> None:
            asked.append((model, method))

        def choose(self, card: int) -> Preset:
            return THRIFTY if card == 12 else Preset(card, None, Needed(), ("even in the thriftiest way …",))

    monkeypatch.setattr(module, "Presets", Presets)
    return asked


def test_a_card_gets_its_flags_and_the_reasons(chosen, capsys):
    assert main(["presets", "owner/name", "--card", "12", "--method", "neurons"]) == 0
    flags = "--precision 4bit --pictures-per-step 4 --checkpointing --picture-size 512"
    assert capsys.readouterr().out == f"12 GB: {flags}\n  4-bit, because …\n  needs 9.5 GB\n"
    assert chosen == [("owner/name", "neurons")]


def test_all_cards_as_json(capsys):
    assert main(["presets", "nano", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["card"] for row in rows] == list(CARDS)
    assert [row["way"] is None for row in rows] == [card != 12 for card in CARDS]


@pytest.mark.parametrize("card", ["0", "twelve", "-1", "8.5"])
def test_what_is_no_size_of_a_card_is_refused(card, capsys):
    assert main(["presets", "nano", f"--card={card}"]) == 2
    assert "whole gigabytes" in capsys.readouterr().err
