"""LEAML: adapt a multimodal language model to images it was never trained on, from few labels.

Importing this package loads nothing heavy; each room is imported by its own name (`leaml.training.loop`, …). It makes
PEFT know the neuron adapter, whenever PEFT is imported.
"""

from leaml.models import peft_method

__version__ = "0.1.0"

peft_method.register()
