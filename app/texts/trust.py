"""What the Trust view says: each figure in one sentence, with its n and its range."""

from collections.abc import Mapping
from typing import Any

from app.texts.compare import FEWEST_FOR_A_RATE, percent, rate
from leaml.report import verdicts

KINDS = {"closed": "Questions with a choice, a number or a place", "open": "Open questions"}
ON = "{model}, {set}"
SURE, RIGHT_SHARE = "how sure the model is", "share right"
ANSWERED, WRONG_SHARE = "share of questions answered, the surest first", "share wrong among these"
BEFORE_MARK, AFTER_MARK, THRESHOLD_MARK = "■ as it is", "● adjusted", "■ “ask a person” below"
RELIABILITY = "How often answers are right, against how sure the model was; below, how many answers"
RISK = "How many answers are wrong when only the surest are given"
CHARTS = ("Sure and right", "What if only the surest answers are given?")

NOTHING = "Compare first: then it stands here how far the model's own certainty can be trusted."
NOT_MEASURED = "The newest comparison did not measure this. Compare again with “Trust” switched on in its options."
TOO_FEW = "{n} answers of this kind: too few to say. At least 30 are needed."

CALIBRATION = (
    "Sure and right are {ece} apart on average ({n} answers, {pictures} pictures or patients). A model that knows "
    "itself perfectly would show {null} by chance alone, and rarely more than {high}. {verdict}"
)
VERDICTS = {
    verdicts.HONEST: "So nothing speaks against what it says of its certainty.",
    verdicts.TOO_SURE: "So it is too sure of itself.",
    verdicts.TOO_MODEST: "So it is more often right than it sounds.",
    verdicts.UNEVEN: "So what it says of its certainty is off, in both directions.",
}
ADJUSTED = "Adjusted on {n} answers of the calibration set alone (temperature {t:.2f}): {ece} apart."
AT_LIMIT = {
    "upper": (
        "The adjustment went as far as it can (temperature {t:.0f}): on the calibration set, how sure the model is "
        "says nothing of whether it is right. Do not go by its certainty."
    ),
    "lower": (
        "The adjustment went as far as it can (temperature {t:.2f}): on the calibration set the model was right nearly "
        "always when it was more sure than not, and wrong nearly always otherwise. So few answers cannot say how sure "
        "it should be; do not go by the adjusted certainty."
    ),
}
NOT_ADJUSTED = "It cannot be adjusted: fewer than {fewest} answers of this kind stand in the calibration set."
FINDS = "Of a wrong and a right answer, it is less sure of the wrong one in {share} of the cases; by chance 50 %."
FINDS_NOTHING = "Whether doubt finds wrong answers cannot be said: too few answers are wrong, or too few right."
COVERAGE = "With at most {risk} wrong, it could answer {share} of the questions."
ASK = (
    "Ask a person when the model is less than {threshold} sure (chosen on the calibration set). Here it then answers "
    "{answered} of the questions{wrong}."
)
ASK_WRONG = ", {share} of these wrong"
ASK_ALWAYS = "No certainty was found above which at most {risk} are wrong: ask a person every time."
LOOKS = "Asked without the picture, it says the same in {same} of the questions, and is right in {right}."

ELSEWHERE = "Pictures from elsewhere"
ELSEWHERE_HELP = (
    "Does it notice that pictures come from somewhere else? In the share of cases below, a picture from elsewhere "
    "looks stranger than one from here; by chance 50 %. It says that pictures differ, not that answers are wrong."
)
SCORES = {
    "knn": "by the nearest pictures",
    "mahalanobis": "by the distance from the middle",
    "likelihood": "by how sure the answers are",
    "entropy": "by how the answers vary",
    "combined": "all together",
}
ELSEWHERE_ROW = "{name} ({n} pictures) against {inside} ({inside_n}), {model}"
ELSEWHERE_HEADS = (
    "", "", "Told apart", "AUROC", "AUPR, from elsewhere", "AUPR, from here", "False alarms where 95 % are found",
)  # fmt: skip

FIGURES = "All figures"
FIGURES_HEADS = ("", "As it is", "Adjusted")


def points(share: float) -> str:
    """ "30 points"."""
    return f"{100 * share:.0f} points"


def measured(figures: Mapping[str, Any]) -> str:
    """A figure between 0 and 1 with its range: "75 % [70, 79]"; where there are too few items, that."""
    if figures["n"] < FEWEST_FOR_A_RATE:
        return f"too few to say (n {figures['n']})"
    return f"{percent(figures['value'])} [{100 * figures['low']:.0f}, {100 * figures['high']:.0f}]"


def calibration(part: Mapping[str, Any]) -> list[str]:
    """How sure and right go together, and what adjusting does."""
    before, after = part["before"], part["after"]
    sentences = [
        CALIBRATION.format(
            ece=points(before["ece"]), n=f"{part['n']:,}", pictures=f"{part['pictures']:,}",
            null=points(before["null"]["mean"]), high=points(before["null"]["high"]),
            verdict=VERDICTS[verdicts.of_calibration(before)],
        )
    ]  # fmt: skip
    if after is None:
        return [*sentences, NOT_ADJUSTED.format(fewest=FEWEST_FOR_A_RATE)]
    on, temperature, limit = part["calibrated_on"]["n"], part["temperature"], part.get("temperature_limit")
    sentences.append(ADJUSTED.format(n=f"{on:,}", t=temperature, ece=points(after["ece"])))
    return [*sentences, AT_LIMIT[limit].format(t=temperature)] if limit else sentences


def selective(part: Mapping[str, Any]) -> list[str]:
    """Whether doubt finds what is wrong, and when to ask a person."""
    found, chosen = part["wrong"], part["selective"]
    finds = found.get("auroc") if found.get("enough", True) else None
    sentences = [FINDS.format(share=measured(finds)) if finds else FINDS_NOTHING]
    risk = percent(chosen["risk"])
    if chosen["coverage_at_risk"]:
        sentences.append(COVERAGE.format(risk=risk, share=measured(chosen["coverage_at_risk"])))
    if chosen["threshold"] is None:
        return [*sentences, ASK_ALWAYS.format(risk=risk)]
    wrong = chosen["wrong_among_answered"]
    words = ASK_WRONG.format(share=rate(wrong)) if wrong else ""
    threshold, answered = percent(chosen["threshold"]), rate(chosen["answered"])
    return [*sentences, ASK.format(threshold=threshold, answered=answered, wrong=words)]


def figures(part: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Every figure of the view for those who know them by name: what it is, as it is, adjusted."""
    before, after, found, chosen = part["before"], part["after"] or {}, part["wrong"], part["selective"]
    ranked = [(name, found.get(key)) for name, key in (("AUROC", "auroc"), ("AUPR", "aupr"))]
    return [
        ("Calibration error (ECE, 15 bins)", f"{before['ece']:.3f}", f"{after['ece']:.3f}" if after else ""),
        ("… of a perfectly calibrated model: mean, 95 % below", _null(before), _null(after)),
        ("Brier score", decimals(before["brier"]), decimals(after.get("brier"))),
        ("Negative log-likelihood", decimals(before["nll"]), decimals(after.get("nll"))),
        *((f"{name} of “this answer is wrong”", decimals(figure), "") for name, figure in ranked),
        ("Share of wrong answers", rate(found["share"]), ""),
        ("Area under risk and coverage (AURC)", decimals(chosen["aurc"]), ""),
        (f"Coverage at {percent(chosen['risk'])} risk", decimals(chosen["coverage_at_risk"]), ""),
    ]


def decimals(figure: Mapping[str, Any] | None) -> str:
    """A figure with its range: "0.75 [0.70, 0.79]"; nothing where there is none."""
    return f"{figure['value']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]" if figure else ""


def _null(part: Mapping[str, Any]) -> str:
    return f"{part['null']['mean']:.3f}, {part['null']['high']:.3f}" if part else ""
