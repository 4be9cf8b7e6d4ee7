"""Options in the words of a form. What an option means stands in `leaml.options`, once; here are their short names."""

NAMES = {
    "model": "Model",
    "prompt": "Request to the teacher",
    "max_tokens": "Longest text",
    "batch_size": "At once",
    "steps": "Training steps",
    "learning_rate": "Learning rate",
    "pictures_per_step": "Pictures per step",
    "seed": "Seed",
    "save_every": "Steps between savings",
    "caption_weight": "Weight of captions (λ)",
    "method": "Method",
    "fraction": "Share of neurons",
    "scope": "Where neurons compete",
    "generator": "Generator",
    "texts_per_type": "Texts per question type",
    "temperature": "Temperature",
    "top_p": "Probability mass (top p)",
    "least_agreement": "Least agreement",
    "rank": "Rank of the LoRA",
    "use_suggestions": "Learn from accepted suggestions",
    "label_share": "Share of labels in a step",
    "labels": "Answers of how many pictures",
    "calibration_share": "Share kept for calibration",
    "test_share": "Share kept for testing",
    "folder": "Folder",
    "questions": "Questions, one per line",
}

OPTIONS = "Options"
COPY = "Copy as command"


def name(option: str) -> str:
    """The short name of an option."""
    return NAMES.get(option) or option.replace("_", " ").capitalize()
