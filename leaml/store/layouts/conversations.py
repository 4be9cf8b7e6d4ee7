"""Conversations about a picture, as LLaVA and ShareGPT have them.

    {"id": "1", "image": "images/1.jpg", "conversations": [
        {"from": "human", "value": "<image>\\nIs there a polyp?"}, {"from": "gpt", "value": "yes"}]}
    {"images": ["images/1.jpg"], "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}

Each turn of a person that is followed by one of the model is a question with its answer. What this program knows more
stands beside the conversation, where training programs leave it alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from leaml.records import QUESTION_TYPES
from leaml.store.layouts.simple import FIELDS, guessed, split_of, write_list
from leaml.store.rows import Picture
from leaml.store.tables import Row, RowError

FILE = "llava.json"
_ASKS, _ANSWERS = ("human", "user"), ("gpt", "assistant", "model")
_TOKEN = "<image>"


def suits(item: Row) -> bool:
    """Whether an item of a list holds a conversation."""
    return any(isinstance(item.get(name), list) for name in ("conversations", "messages"))


def rows(item: Row) -> Iterator[Row]:
    """A row for each question with its answer. Raises RowError where there is no picture, or no such turn."""
    beside = {name: item[name] for name in FIELDS if name in item and name != "image"}
    turns = [_turn(turn) for turn in item.get("conversations") or item["messages"]]
    answered = [
        (asked, said) for (who, asked), (whom, said) in pairwise(turns) if who in _ASKS and whom in _ANSWERS
    ]
    if not answered:
        raise RowError("no question that is answered")
    for asked, said in answered:
        row = {"image": _picture(item), "question": asked, "answer": said, **beside, "split": split_of(item)}
        if row.get("type") not in QUESTION_TYPES:
            row["type"] = guessed(said, row.get("choices"))
        yield row


def write(folder: Path, rows: Iterable[Row], pictures: Mapping[str, Picture]) -> None:
    """llava.json: a conversation of one question each."""
    write_list(folder / FILE, (_conversation(number, row) for number, row in enumerate(rows, 1)))


def _conversation(number: int, row: Row) -> Row:
    turns = [
        {"from": "human", "value": f"{_TOKEN}\n{row['question']}"},
        {"from": "gpt", "value": row["answer"]},
    ]
    own = {name: value for name, value in row.items() if name not in ("image", "question", "answer")}
    return {"id": str(number), "image": row["image"], "conversations": turns, **own}


def _picture(item: Row) -> str:
    named = item.get("image") or item.get("images")
    named = named[0] if isinstance(named, list) and len(named) == 1 else named
    if isinstance(named, list):
        raise RowError("a conversation about several pictures")
    if not isinstance(named, str):
        raise RowError("a conversation without a picture")
    return named


def _turn(turn: Any) -> tuple[str, str]:
    """Who speaks, and what is said without the place of the picture."""
    who, said = turn.get("from") or turn.get("role"), turn.get("value", turn.get("content"))
    if isinstance(said, list):
        said = "\n".join(str(part["text"]) for part in said if part.get("type") == "text")
    return str(who).casefold(), str(said).strip().removeprefix(_TOKEN).removesuffix(_TOKEN).strip()
