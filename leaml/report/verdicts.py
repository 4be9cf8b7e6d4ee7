"""What a calibration says, in a word: for the Trust view and the report alike. Plain Python, read from plain JSON.

    of_calibration(trust["before"])          # "too sure"
"""

from collections.abc import Mapping
from typing import Any

HONEST, TOO_SURE, TOO_MODEST, UNEVEN = "honest", "too sure", "too modest", "uneven"


def of_calibration(found: Mapping[str, Any]) -> str:
    """How certainty and right answers differ; honest where they differ no more than chance alone would have it.

    Args:
        found: see `leaml.evaluation.calibration.Calibration.as_json`.
    """
    if found["ece"] <= found["null"]["high"]:
        return HONEST
    answers = [one for one in found["bins"] if one["n"]]
    gap = sum(one["n"] * one["confidence"] - one["right"] for one in answers) / sum(one["n"] for one in answers)
    if abs(gap) < found["ece"] / 2:
        return UNEVEN
    return TOO_SURE if gap > 0 else TOO_MODEST
