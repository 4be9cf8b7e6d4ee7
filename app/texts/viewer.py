"""What the picture viewer says."""

BUTTONS = (
    ("out", "−", "Smaller: -"),
    ("in", "+", "Larger: +"),
    ("fit", "Fit", "Whole picture: ="),
    ("one", "1:1", "Real size and back: Z"),
    ("invert", "Invert", "Light and dark exchanged: I"),
    ("rotate", "Rotate", "A quarter turn: R"),
)
"""(what it does, what stands on it, what it is for and its key) of each button."""
