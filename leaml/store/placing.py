"""Which split, group and cluster each picture of a project stands in after an import. Pure: rows in, rows out.

A picture stands where its rows in the file say, "train" where other rows name splits and its own do not, and is drawn
by group and near-duplicate cluster where no row of the import names any. Held out always wins: one whose group is held
out is never trained on. A picture that was placed by an earlier import stays where it is, unless it must leave "train".
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from leaml.options import ImportOptions
from leaml.store import splits
from leaml.store.findings import Crossing

ARRIVING = "arriving"
"""Split of a picture whose import was not finished: in no set, so that nothing is trained or tested on it."""
LEFT_OUT = "left out"
"""Split of a train picture that belongs together with one that is held out."""
TRAIN = splits.REST
_IN_NO_SET = (TRAIN, LEFT_OUT, ARRIVING)


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture and where it stands; `id` and `name` as in the project."""

    id: int
    name: str
    split: str
    group: str
    cluster: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """What the rows of an import say about its pictures, by number; every picture of the import has an entry."""

    splits: dict[int, list[str]] = field(default_factory=dict)
    groups: dict[int, list[str]] = field(default_factory=dict)
    names_splits: bool = False


def place(pictures: Sequence[Placed], said: Said, options: ImportOptions) -> tuple[list[Placed], list[Crossing]]:
    """Where every picture of the project stands now, and what crosses splits.

    Args:
        pictures: of the project, in order of their numbers, with clusters that were just computed.
        said: about the pictures of this import.
    """
    pictures = [_grouped(picture, said) for picture in pictures]
    if said.names_splits:
        pictures = [_as_said(picture, said) for picture in pictures]
    else:
        pictures = _drawn(pictures, said, options)
    crossings = [*_same_picture(pictures, said), *_crossing("group", pictures, said)]
    pictures = _without_leaks(pictures)
    return pictures, [*crossings, *_crossing("near-duplicates", pictures, said)]


def held_out(split: str) -> bool:
    """Whether pictures of this split are kept for calibration or a test."""
    return split not in _IN_NO_SET


def _grouped(picture: Placed, said: Said) -> Placed:
    named = [group for group in said.groups.get(picture.id, ()) if group]
    return replace(picture, group=picture.group or named[0]) if named else picture


def _as_said(picture: Placed, said: Said) -> Placed:
    if picture.split != ARRIVING or picture.id not in said.splits:
        return picture
    named = said.splits[picture.id]
    return replace(picture, split=next((split for split in named if held_out(split)), named[0] if named else TRAIN))


def _drawn(pictures: Sequence[Placed], said: Said, options: ImportOptions) -> list[Placed]:
    """New pictures follow what they belong together with; where all of it is new, its split is drawn."""
    numbers = splits.components([p.group for p in pictures], [p.cluster for p in pictures])
    settled: dict[int, str] = {}
    for number, picture in zip(numbers, pictures):
        if picture.split != ARRIVING and (number not in settled or held_out(picture.split)):
            settled[number] = picture.split
    new = [picture.split == ARRIVING and picture.id in said.splits for picture in pictures]
    free = [p for number, p, is_new in zip(numbers, pictures, new) if is_new and number not in settled]
    shares = {"calibration": options.calibration_share, "test": options.test_share}
    drawn = splits.assign([p.group for p in free], [p.cluster for p in free], shares, options.seed)
    split_of = {picture.id: split for picture, split in zip(free, drawn)}
    return [
        replace(picture, split=split_of.get(picture.id) or settled[number]) if is_new else picture
        for number, picture, is_new in zip(numbers, pictures, new)
    ]


def _without_leaks(pictures: Sequence[Placed]) -> list[Placed]:
    """Train pictures of a group that is held out as well are left out."""
    kept_back = {picture.group for picture in pictures if picture.group and held_out(picture.split)}
    return [
        replace(picture, split=LEFT_OUT) if picture.split == TRAIN and picture.group in kept_back else picture
        for picture in pictures
    ]


def _same_picture(pictures: Iterable[Placed], said: Said) -> Iterator[Crossing]:
    """Pictures that rows of this import name in several splits; the first held-out one was taken."""
    for picture in pictures:
        named = set(said.splits.get(picture.id, ())) if said.names_splits else set()
        if len(named) > 1:
            yield Crossing("same picture", "", ((picture.name, ", ".join(sorted(named))),))


def _crossing(
    kind: Literal["group", "near-duplicates"], pictures: Iterable[Placed], said: Said
) -> Iterator[Crossing]:
    """Groups, or clusters, that stand in several splits and have a picture of this import."""
    together: dict[str | int, list[Placed]] = defaultdict(list)
    for picture in pictures:
        if key := picture.group if kind == "group" else picture.cluster:
            together[key].append(picture)
    for key, members in together.items():
        several = len({picture.split for picture in members} - {ARRIVING, LEFT_OUT}) > 1
        if several and any(picture.id in said.splits for picture in members):
            yield Crossing(kind, str(key) if kind == "group" else "", tuple((p.name, p.split) for p in members))
