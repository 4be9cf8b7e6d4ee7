"""Options in the words of a form. What an option means stands in `leaml.options`, once; here are their short names."""

NAMES = {
    "model": "Model",
    "precision": "How weights are held",
    "prompt": "Request to the teacher",
    "max_tokens": "Longest text",
    "batch_size": "At once",
    "steps": "Training steps",
    "learning_rate": "Learning rate",
    "pictures_per_step": "Pictures per step",
    "picture_size": "Largest picture side (pixels)",
    "checkpointing": "Compute layers twice (less memory)",
    "seed": "Seed",
    "save_every": "Steps between savings",
    "caption_weight": "Weight of captions (λ)",
    "server": "Server",
    "per_minute": "Requests a minute",
    "timeout": "Seconds for an answer",
    "tries": "Tries",
    "proxy": "Through the proxy",
    "train": "What is trained",
    "method": "Method",
    "fraction": "Share of neurons",
    "scope": "Where neurons compete",
    "generator": "Generator",
    "texts_per_type": "Texts per question type",
    "temperature": "Temperature",
    "top_p": "Probability mass (top p)",
    "reanswers": "New answers to each question",
    "refilter": "Filter the texts of job",
    "least_agreement": "Least agreement",
    "least_reanswers": "Least share of new answers",
    "least_log_probability": "Least log-probability",
    "least_consistency": "Least consistency",
    "most_blind_agreement": "Most agreement without the picture",
    "least_gain": "Least gain by the picture",
    "most_similarity": "Most likeness to another",
    "well_formed": "Answers must fit their question",
    "least_share": "Least share of a type",
    "most_share": "Largest share of a type",
    "rank": "Rank of the LoRA",
    "use_suggestions": "Learn from accepted suggestions",
    "weights": "Weight of a suggestion",
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
