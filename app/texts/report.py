"""What the Report view says."""

REPORT = "Report for others"
REPORT_HELP = (
    "One file with everything about the newest comparison: pictures, labels and time, how the model was made, every "
    "figure with its range, examples, and what it cannot tell. It names no person and no file of yours; it shows some "
    "test pictures, small."
)
COMPARISON, ADAPTER = "Comparison", "Adapted model"
NEWEST_COMPARISON, NEWEST_ADAPTER = "the newest", "the newest"
COMPARED = "number {id}, {day}"
EXAMPLES = "Questions shown of each kind (any, put right, broken)"
PICTURES = "Show the pictures of these questions, small"
PDF = "As PDF, too"
NO_PDF = "There is no Chromium, Chrome or Edge here that could print it. Any browser prints the file."
START = "Write the report"
REPORTED = "Report on “{name}”"
FILES = {
    "report.html": "Open the report",
    "report.pdf": "Save as PDF",
    "report.json": "Save every figure (JSON)",
    "MODEL_CARD.md": "Save the model card",
}

EXPORT = "Model and data for other programs"
EXPORT_HELP = (
    "The adapted model in three forms, pictures with labels and captions, a model card, and checksums, in one new "
    "folder on this computer. The data holds everything that you imported and wrote."
)
FOLDER = "New folder"
FOLDER_HINT = "/home/me/adapted-model"
WHAT = "What is written"
PARTS = {
    "adapter": "what was trained, as it is",
    "lora": "the same as a plain LoRA",
    "merged": "the whole model",
    "dataset": "pictures, labels and captions",
}
EXPORT_START = "Export"
EXPORTED = "In {folder}: {parts}."
NO_FOLDER = ("No folder is named.", "Write a new folder, such as /home/me/adapted-model.")
NO_PARTS = ("Nothing is chosen that could be written.", "Tick at least one of the parts.")
NO_PROJECT = ("No project is open.", "Open or make one first.")


def compared(id: int, time: str) -> str:
    """ "number 7, 2026-01-31"."""
    return COMPARED.format(id=id, day=time[:10])
