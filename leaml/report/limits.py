"""What a report cannot show, in sentences: those that hold for every one, and those that its own figures call for."""

from collections.abc import Iterator, Mapping
from typing import Any

FEW_PICTURES = 100
"""Independent pictures or patients below which a test set is called small."""
HARD_TO_SEE = 0.95
"""Share of the answers that stay the same without the picture, from which on it is said that the model hardly looks."""
BEATEN = {"undetermined": "is not shown to beat", "worse": "does worse than"}

ALWAYS = (
    "One training run was measured. Another one, with other random numbers, gives another model; the ranges speak of "
    "other test pictures, not of that.",
    "This is a measurement on one collection of pictures. Pictures of another device, clinic or time may be answered "
    "worse; only a test set from there can tell.",
    "Right means: as the people who labelled would have it. Where they err, this report errs with them.",
    "How sure a model sounds is not how often it is right; see the part on trust, and its range.",
    "LEAML Studio is not a medical device, and what a model answers is no diagnosis.",
)


def limits(document: Mapping[str, Any]) -> list[str]:
    """The sentences, the particular ones first."""
    found = (_of_sets, _of_looks, _of_labels, _of_suggestions)
    return [*(sentence for of in found for sentence in of(document)), *ALWAYS]


def _of_sets(document: Mapping[str, Any]) -> Iterator[str]:
    if not document["sets"]:
        yield "Nothing was measured: base and adapted model were not compared on held-out pictures."
    for one in document["sets"]:
        if one["pictures"] < FEW_PICTURES:
            yield (
                f"The set “{one['name']}” holds {one['pictures']:,} independent pictures or patients. Ranges are wide, "
                "and rare findings may not occur in it."
            )
        if one["against_base"] == "undetermined":
            yield f"On “{one['name']}” it is not settled whether the adapted model is better than the base model."
        if one["against_blind"] in BEATEN:
            yield f"On “{one['name']}” the adapted model {BEATEN[one['against_blind']]} guessing without the picture."
        seen = one["adapted"] and one["adapted"]["without_picture"]
        if seen and seen["same"]["value"] >= HARD_TO_SEE:
            yield f"On “{one['name']}” the adapted model says nearly always the same without the picture."


def _of_looks(document: Mapping[str, Any]) -> Iterator[str]:
    looks = document["looks"]
    if looks and looks["models"] > 1:
        yield (
            f"The test pictures have been used in {looks['comparisons']:,} comparisons, of {looks['models']:,} adapted "
            "models. If the best one was chosen by them, its figure is too good; only unused pictures could tell."
        )


def _of_labels(document: Mapping[str, Any]) -> Iterator[str]:
    labels = document["effort"].get("labels", {})
    if labels.get("people") == 1:
        yield "One person, or one source, gave all labels: how far two experts agree is not known."
    if labels and labels["timed"] < labels["n"]:
        missing = labels["n"] - labels["timed"]
        which = f"Of {missing:,} of the {labels['n']:,} labels" if labels["timed"] else f"Of the {labels['n']:,} labels"
        yield f"{which} it is not known how long they took: they came with an import."


def _of_suggestions(document: Mapping[str, Any]) -> Iterator[str]:
    behind = document["behind"]
    if behind.get("unseen"):
        yield (
            f"{behind['unseen']:,} of the {behind['suggestions']:,} suggestions that the model learned from were "
            "accepted in bulk, without anybody looking at each."
        )
