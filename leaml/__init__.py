"""LEAML: adapt a multimodal language model to images it was never trained on, from few labels.

Importing this package loads nothing heavy; each room is imported by its own name (`leaml.training.loop`, …).
"""

__version__ = "0.1.0"
