"""What an import found: what went in, what was there before, what was refused and why. Plain data."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from leaml.store.tables import how_many


@dataclass(slots=True)
class Tally:
    """Pictures, questions or captions: how many went in, how many were there, and a sentence for each refused one."""

    taken: int = 0
    there: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many were refused; of very many, the last sentence of `refused` is "and 7 more problems"."""
        return how_many(self.refused)


@dataclass(frozen=True, slots=True)
class Crossing:
    """Pictures that belong together and stand in several splits.

    Attributes:
        kind: what makes them belong together.
        name: of the group; "" for near-duplicates.
        pictures: (name, split) of each.
    """

    kind: Literal["group", "near-duplicates", "same picture"]
    name: str
    pictures: tuple[tuple[str, str], ...]

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Crossing":
        """What `asdict` gave."""
        return cls(values["kind"], values["name"], tuple((name, split) for name, split in values["pictures"]))


@dataclass(slots=True)
class Findings:
    """Of one import.

    Attributes:
        near_duplicates: names of the pictures of each cluster that a picture of this import belongs to.
        crossings: what stands in several splits though it belongs together.
        left_out: names of pictures put out of training because something of theirs is held out.
        splits: split -> pictures of the project, after the import.
        with_metadata: new pictures that came with EXIF, comments and the like, all of it dropped.
        with_position: new pictures that came with the place where they were taken, dropped too.
        burned_in: new pictures into which names or dates may be written.
        notes: what else is worth knowing, a sentence each.
    """

    pictures: Tally = field(default_factory=Tally)
    questions: Tally = field(default_factory=Tally)
    captions: Tally = field(default_factory=Tally)
    near_duplicates: list[list[str]] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)
    with_metadata: int = 0
    with_position: int = 0
    burned_in: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def refused(self) -> list[str]:
        """A sentence for all that was not taken."""
        return self.pictures.refused + self.questions.refused + self.captions.refused

    @property
    def nothing_new(self) -> bool:
        return not (self.pictures.taken or self.questions.taken or self.captions.taken)

    def as_json(self) -> dict[str, Any]:
        """For a file, a setting or a program."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Findings":
        """What `as_json` gave."""
        tallies = {name: Tally(**values[name]) for name in ("pictures", "questions", "captions")}
        return cls(**values | tallies | {"crossings": [*map(Crossing.from_json, values["crossings"])]})

    def figures(self) -> dict[str, float]:
        """Counts, as a stage's `Result` carries them."""
        kinds = {"pictures": self.pictures, "questions": self.questions, "captions": self.captions}
        counts = {name: tally.taken for name, tally in kinds.items()}
        return counts | {f"{name} refused": tally.left for name, tally in kinds.items()}

    def sentences(self) -> Iterator[str]:
        """The findings in words, the refused ones without their reasons: those stand in `refused`."""
        if self.nothing_new:
            yield "Nothing new: all that could be used is in the project already."
        for name, tally in (("picture", self.pictures), ("question", self.questions), ("caption", self.captions)):
            if tally.taken or tally.there or tally.refused:
                yield _counted(name, tally)
        if self.with_metadata:
            place = f", {self.with_position} of them the place where they were taken" if self.with_position else ""
            yield f"{self.with_metadata} pictures carried hidden data{place}; it was left behind."
        if self.burned_in:
            yield (
                f"{self.burned_in:,} pictures may have names or dates written into them. Look at them, and black out"
                " what names anybody: on the Label screen, for all pictures of a device or a folder at once."
            )
        if self.near_duplicates:
            yield f"{len(self.near_duplicates)} sets of pictures are all but the same."
        for crossing in self.crossings:
            yield _crossed(crossing)
        if self.left_out:
            yield f"{len(self.left_out)} pictures are left out of training: others of their group are held out."
        yield from self.notes


def _counted(name: str, tally: Tally) -> str:
    there = f", {tally.there:,} were there before" if tally.there else ""
    refused = f", {tally.left:,} refused" if tally.refused else ""
    return f"{tally.taken:,} {name}{'s' * (tally.taken != 1)} taken{there}{refused}."


def _crossed(crossing: Crossing) -> str:
    places = ", ".join(f"{name} in {split}" for name, split in crossing.pictures[:4])
    more = f" and {len(crossing.pictures) - 4} more" if len(crossing.pictures) > 4 else ""
    what = {
        "group": f"Group {crossing.name} stands in several splits",
        "near-duplicates": "Pictures that are all but the same stand in several splits",
        "same picture": "The same picture was named in several splits",
    }[crossing.kind]
    return f"{what}: {places}{more}."
