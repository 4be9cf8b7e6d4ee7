"""One model of options per stage: the only place where an option, its default, its range and its help stand."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leaml.errors import OptionError


class Options(BaseModel):
    """Base of all options: unknown names are refused, values are fixed once made.

    Raises:
        OptionError: a value is out of its range, or no option has this name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _named(error, type(self)) from error


def _named(error: ValidationError, options: type[Options]) -> OptionError:
    """The first of the faults that pydantic found, with the option's own help."""
    fault = error.errors(include_url=False)[0]
    name = str(next(iter(fault["loc"]), ""))  # of an option that is a list, not of its member
    field = options.model_fields.get(name)
    if field is None:
        return OptionError(f"There is no option {name!r}.", f"There are: {', '.join(options.model_fields)}.")
    shown = repr(fault["input"])[:80]
    default = "" if field.is_required() else f" Default: {field.default}."
    return OptionError(f"{name} cannot be {shown}: {fault['msg']}.", f"{field.description}{default}")


class ImportOptions(Options):
    """Taking pictures, questions and captions into a project."""

    folder: str = Field(
        min_length=1, max_length=4000, description="Folder of pictures, questions and captions, or hub:owner/name."
    )
    labels: int | None = Field(
        None, ge=1, description="Take the answers of only this many train pictures, drawn at random; none: of all."
    )
    calibration_share: float = Field(
        0.1, ge=0, lt=1, description="Share of the groups kept for calibration, where the files name no splits."
    )
    test_share: float = Field(
        0.2, ge=0, lt=1, description="Share of the groups kept for testing, where the files name no splits."
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of every random choice.")


class ModelOptions(Options):
    """What every stage shares that loads a model."""

    model: str = Field(
        "nano", min_length=1, max_length=500, description="Model: nano, a folder, or a hub id, owner/name[@revision]."
    )
    precision: Literal["auto", "full", "8bit", "4bit"] = Field(
        "auto", description="How the model's weights are held: in full, or in fewer bits, for cards with less memory."
    )
    picture_size: int = Field(
        0, ge=0, le=8192, description="Longest side of pictures as the model sees them, in pixels; 0: as it likes best."
    )


class DownloadOptions(Options):
    """Fetching a model of the Hugging Face hub onto this computer."""

    model: str = Field(
        min_length=1, max_length=500, description="Its name, owner/name, or owner/name@branch, tag or commit."
    )
    commit: str = Field(
        "", pattern="^([0-9a-f]{40})?$", description="Only if it is still this commit; empty: whatever it is now."
    )


class BlankOptions(Options):
    """Blacking out a region of pictures for good: text that names somebody."""

    picture: int = Field(ge=1, description="Number of the picture that the region was drawn on.")
    left: float = Field(ge=0, le=1, description="Left edge of the region, as a share of the width.")
    top: float = Field(ge=0, le=1, description="Upper edge, as a share of the height.")
    right: float = Field(ge=0, le=1, description="Right edge, as a share of the width.")
    bottom: float = Field(ge=0, le=1, description="Lower edge, as a share of the height.")
    scope: Literal["picture", "folder", "device"] = Field(
        "picture", description="This picture, or all of its folder or its device that are as large."
    )


class OrderOptions(ModelOptions):
    """Which pictures to label first: typical ones by the model's frozen features, and a share at random."""

    pictures: int = Field(50, ge=1, le=100_000, description="How many pictures are suggested.")
    random_share: float = Field(0.2, ge=0.2, le=1, description="Share of them that is drawn at random; 1: all.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of every random choice.")


class CaptionOptions(ModelOptions):
    """A teacher, a local model or one behind a server, writes a caption of each train picture that has none from it."""

    prompt: str = Field("", max_length=2000, description="What the teacher is asked; empty: the usual request.")
    max_tokens: int = Field(96, ge=1, le=4096, description="Longest caption, in tokens.")
    batch_size: int = Field(16, ge=1, le=1024, description="Pictures captioned at once.")
    server: str = Field(
        "",
        max_length=500,
        description="OpenAI-compatible server that has the model, such as http://localhost:11434; none: this computer.",
    )
    per_minute: int = Field(0, ge=0, le=100_000, description="Most requests to a server in a minute; 0: no limit.")
    timeout: float = Field(120.0, gt=0, le=3600, description="Seconds to wait for one answer of a server.")
    tries: int = Field(5, ge=1, le=20, description="Times that a server is asked about a picture before giving up.")
    proxy: bool = Field(False, description="Reach a server through the proxy that the environment names.")


class TrainingOptions(ModelOptions):
    """What every training stage shares."""

    steps: int = Field(300, ge=1, le=1_000_000, description="Training steps.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Peak of the learning rate.")
    pictures_per_step: int = Field(8, ge=1, le=512, description="Pictures in one step.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of every random choice.")
    save_every: int = Field(200, ge=1, description="Steps between two checkpoints.")
    checkpointing: bool = Field(
        False, description="Compute each layer a second time on the way back: less memory, about a third slower."
    )

    @property
    def warmup(self) -> int:
        """Steps over which the learning rate rises to its peak."""
        return min(30, self.steps // 5)


class DistilOptions(TrainingOptions):
    """Selective neuron distillation (LEAML): the generator learns from labels and from the teacher's captions."""

    steps: int = Field(150, ge=1, le=1_000_000, description="Training steps.")
    learning_rate: float = Field(3e-3, gt=0, le=1, description="Peak of the learning rate.")
    caption_weight: float = Field(1.0, ge=0, le=100, description="Weight λ of the caption loss; 0 turns captions off.")
    label_share: float = Field(
        0.5, gt=0, le=1, description="Share of each step's pictures that carry labels, where there are captions too."
    )
    train: Literal["neurons", "lora", "all"] = Field(
        "neurons",
        description="What is trained: selected neurons, a LoRA, or every weight of the model.",
    )
    method: Literal["taylor", "gradient", "activation", "random", "inverse"] = Field(
        "taylor", description="How neurons are scored."
    )
    fraction: float = Field(0.05, gt=0, le=1, description="Share of the feed-forward neurons that is trained.")
    scope: Literal["global", "layer"] = Field("global", description="Whether layers compete for neurons.")
    rank: int = Field(16, ge=1, le=512, description="Rank of the LoRA, where one is trained.")


class GenerateOptions(ModelOptions):
    """Pseudo question/answer pairs for unlabelled pictures, and the filter on their signals."""

    generator: int | None = Field(None, ge=1, description="Number of the generator; none: the newest.")
    texts_per_type: int = Field(1, ge=1, le=64, description="Texts sampled per picture and question type.")
    temperature: float = Field(0.8, gt=0, le=2, description="Sampling temperature.")
    top_p: float = Field(0.95, gt=0, le=1, description="Probability mass that sampling keeps.")
    reanswers: int = Field(
        0, ge=0, le=64, description="Times that each question is answered anew; 0: only the exact probability is taken."
    )
    refilter: int | None = Field(
        None, ge=1, description="Job whose texts are filtered anew; none: new texts are written."
    )
    least_agreement: float = Field(0.5, ge=0, le=1, description="Pairs with less agreement are left out.")
    least_reanswers: float = Field(
        0.0, ge=0, le=1, description="Pairs of which a smaller share of the new answers agrees are left out."
    )
    least_log_probability: float = Field(
        -100.0, ge=-100, le=0, description="Pairs with a lower mean log-probability per token are left out."
    )
    least_consistency: float = Field(
        0.0, ge=0, le=1, description="Pairs whose answer is less probable when the question is put alone are left out."
    )
    most_blind_agreement: float = Field(
        1.0, ge=0, le=1, description="Pairs whose answer is more probable without the picture are left out."
    )
    least_gain: float = Field(
        -1.0, ge=-1, le=1, description="Pairs to whose agreement the picture adds less are left out."
    )
    most_similarity: float = Field(
        0.95, ge=0, le=1, description="Pairs that repeat a likelier one on the picture by more than this are left out."
    )
    well_formed: bool = Field(True, description="Leave out answers that no question of this type can have.")
    least_share: float = Field(
        0.0, ge=0, le=1, description="Share of the kept pairs that each question type gets if it has any, best first."
    )
    most_share: float = Field(1.0, gt=0, le=1, description="Largest share of the kept pairs of one question type.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of the sampling.")


class AdaptOptions(TrainingOptions):
    """Fine-tuning of the VQA model on labels and accepted pairs."""

    steps: int = Field(150, ge=1, le=1_000_000, description="Training steps.")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="Peak of the learning rate.")
    method: Literal["lora", "neurons", "full"] = Field("lora", description="What is trained.")
    start_from: int | None = Field(
        None, ge=1, description="Number of an adapted model (a LoRA) to go on from; none: the base model."
    )
    rank: int = Field(16, ge=1, le=512, description="Rank of the LoRA.")
    fraction: float = Field(0.05, gt=0, le=1, description="Share of the neurons, where neurons are trained.")
    use_suggestions: bool = Field(True, description="Learn from accepted suggestions beside the labels.")
    label_share: float = Field(
        0.3, ge=0, le=1, description="Share of each step's pictures that carry labels, where there are pairs as well."
    )
    weights: Literal["equal", "signals", "verdicts"] = Field(
        "equal",
        description="What an accepted suggestion counts beside a label: the same, by its signals, or less if unseen.",
    )


class PredictOptions(ModelOptions):
    """Answering questions."""

    max_tokens: int = Field(24, ge=1, le=1024, description="Longest answer, in tokens.")
    batch_size: int = Field(64, ge=1, le=1024, description="Questions answered at once.")


class CompareOptions(PredictOptions):
    """Base model and adapted models on every test set."""

    adapters: tuple[int, ...] = Field((), description="Numbers of the adapted models; none: the newest.")
    on: Literal["test", "calibration"] = Field(
        "test", description="The test sets, or the calibration set, on which options may be tuned."
    )
    trust: bool = Field(
        True,
        description="Measure how far each model's confidence can be trusted; asks the calibration set as well.",
    )
    samples: int = Field(
        0, ge=0, le=64, description="Answers sampled to each question without choices, to see how they vary."
    )
    other_pictures: str = Field(
        "", max_length=4000, description="Folder of pictures from elsewhere: does the model notice that they differ?"
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of every random choice.")


class AnswerOptions(PredictOptions):
    """A folder of new pictures, answered into a table."""

    folder: str = Field(min_length=1, max_length=4000, description="Folder of the pictures.")
    questions: tuple[str, ...] = Field((), description="What is asked of each; none: every question of the project.")
    adapter: int | None = Field(None, ge=0, description="Number of the adapted model; 0: the base; none: the newest.")


class ReportOptions(Options):
    """What a comparison found, for others: one HTML file, its figures as JSON, and a model card."""

    comparison: int | None = Field(None, ge=1, description="Number of the comparison; none: the newest.")
    adapter: int | None = Field(None, ge=1, description="Number of the adapted model; none: the newest compared one.")
    examples: int = Field(4, ge=0, le=40, description="Questions shown of each kind: any, put right, broken.")
    pictures: bool = Field(True, description="Show the pictures of these questions, small.")
    pdf: bool = Field(False, description="Print the report as PDF, too, with an installed Chromium, Chrome or Edge.")


class ExportOptions(Options):
    """An adapted model and its data for other programs, in one folder with checksums and a model card."""

    folder: str = Field(min_length=1, max_length=4000, description="A new folder, or an empty one.")
    adapter: int | None = Field(None, ge=1, description="Number of the adapter; none: the newest adapted model.")
    parts: tuple[Literal["adapter", "lora", "merged", "dataset"], ...] = Field(
        ("adapter", "lora", "merged", "dataset"),
        description="What is written: the adapter as it is, a plain LoRA, the whole model in bf16, the data.",
    )
    layout: Literal[
        "jsonl", "csv", "parquet", "datasets", "llava", "label-studio", "vqa-rad", "kvasir-vqa"
    ] = Field("jsonl", description="How the data is written: for this program, or as others read it.")
    undecided: bool = Field(
        False, description="Write suggestions that wait or were rejected as well; each row says which it is."
    )
