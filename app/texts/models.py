"""What the choice of a model says."""

from leaml.models.families import Known

TITLE = "Model: {}"
NANO = "nano, which came with the program"
WHAT = (
    "nano shows the way on any computer. A larger model sees far more in a picture and wants a graphics card. Choose "
    "one, or type a name from huggingface.co, or a folder of this computer."
)
NAME = "Model"
LOOK_UP = "Look it up"
DOWNLOAD = "Download {}"
USE = "Use it in this project"
ASKING = "Asking about it …"
HERE = "It is on this computer."
COMES = "It is being downloaded."
NOT_HERE = (
    "It is not on this computer. Look it up shows its size and licence first; for that its name goes to "
    "huggingface.co, and nothing else leaves this computer."
)
NOT_A_NAME = "There is no such folder, and no model of huggingface.co has such a name (they are owner/name)."
FETCHED = "It is on this computer now: press Use it."
USED = "From now on, this project works with {}."
NO_OFFER = ("Nothing was looked up yet.", "Press Look it up first: it shows size and licence.")
BUSY = ("A model is being downloaded already.", "Wait for it, or stop it.")


def shown(name: str) -> str:
    """A model's name, with as much of its version as people compare by eye."""
    name, at, commit = name.rpartition("@")
    return f"{name}, version {commit[:8]}" if at and len(commit) == 40 else f"{name}{at}{commit}"


def choice(known: Known, is_here: bool) -> str:
    """A line of the list."""
    return f"{known.model} · {'here' if is_here else f'{known.gib()} GB'} · {known.licence}"


def facts(known: Known) -> str:
    """What is known of a model without asking anybody."""
    gated = ", only for people who have accepted its terms (gated)" if known.gated else ""
    memory = f"{known.gib()} GB of memory, or {known.gib('4bit')} GB in 4 bits"
    return f"{known.size} weights, {memory}, and more while it learns. Licence: {known.licence}{gated}."
