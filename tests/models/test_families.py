"""Every family of the README's table goes the whole way: small, random, offline, with image-only processors.

What the family's own processor and `forward` make of one question on one picture is what everything is compared with.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from peft import PeftModel
from PIL import Image

from leaml.evaluation.likelihoods import Candidates, log_probabilities
from leaml.models.adapters import add_lora, add_neuron_adapter
from leaml.models.features import SeenFraming, kept
from leaml.models.framing import Framing
from leaml.models.load import Loaded, load
from leaml.models.neurons import Selection
from leaml.models.packing import choose_packing
from leaml.models.structure import feed_forwards
from leaml.models.writing import Request, write
from leaml.records import Question
from leaml.training.batches import Example, Turn, answer_loss, encode
from leaml.training.trained import score_on_labels
from tests.tiny_families import FAMILIES, LANGUAGE, save

SIZES = ((32, 32), (70, 40), (30, 90))
"""Width and height: families that cut or resize by aspect give these different numbers of tokens."""
TURNS = (Turn("Is there a polyp?", "yes"), Turn("What is shown?", "a polyp in the colon", weight=2.0))
BLIND = Turn("Say: colon", "colon", sees_image=False)
PALIGEMMA = "paligemma"


def picture(number: int) -> Image.Image:
    width, height = SIZES[number]
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8))


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory) -> SimpleNamespace:
    """Name, folder, and the model as it is loaded from there with its framing."""
    folder = save(request.param, tmp_path_factory.mktemp(request.param))
    loaded = fresh(folder)
    framing = SeenFraming(loaded.model, Framing(loaded.processor))
    return SimpleNamespace(name=request.param, folder=folder, model=loaded.model, framing=framing)


def fresh(folder: Path) -> Loaded:
    return load(folder, device="cpu", dtype=torch.float32)


# --- As anyone would ask -----------------------------------------------------------------------------------


def ordinary(framing: Framing, image: Image.Image | None, question: str, answer: str | None = None) -> dict:
    """Inputs of one question, with its answer, made by the family's own processor."""
    processor = framing.processor
    if type(processor).__name__ == "PaliGemmaProcessor":
        return ordinary_prefix_and_suffix(processor, image, question, answer)
    content = [{"type": "image", "image": image}] if image else []
    talk = [{"role": "user", "content": [*content, {"type": "text", "text": question}]}]
    if answer is not None:
        talk.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    made = processor.apply_chat_template(
        talk, add_generation_prompt=answer is None, tokenize=True, return_dict=True, return_tensors="pt"
    )
    return dict(made)


def ordinary_prefix_and_suffix(processor, image, question: str, answer: str | None) -> dict:
    if image:
        made = dict(processor(images=[image], text=[f"<image>{question}"], suffix=answer and [answer],
                              return_tensors="pt"))  # fmt: skip
        made.pop("labels")
        return made
    words = processor.tokenizer  # the processor insists on a picture
    asks = words(f"{words.bos_token}{question}\n", add_special_tokens=False)["input_ids"]
    says = words(f"{answer}{words.eos_token}", add_special_tokens=False)["input_ids"] if answer else []
    ids = torch.tensor([asks + says])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids),
            "token_type_ids": torch.tensor([[0] * len(asks) + [1] * len(says)])}  # fmt: skip


def ordinary_logits(model, framing: Framing, image, question: str, answer: str):
    """Logits (answer's tokens, vocabulary) and targets (answer's tokens,) of one question in a row of its own."""
    start = ordinary(framing, image, question)["input_ids"].shape[1]
    inputs = ordinary(framing, image, question, answer)
    end = start + len(framing.token_ids(framing.answer_text(answer)))
    return model(**inputs).logits[0, start - 1 : end - 1], inputs["input_ids"][0, start:end]


def test_tokens_are_those_of_the_familys_own_processor(family):
    framing = family.framing
    for image in (picture(0), picture(1), None):
        look = framing.look([image])[0] if image else framing.blind_look
        ours = look.ids + framing.token_ids(framing.question_text("Is there a polyp?", blind=image is None))
        assert ours == ordinary(framing, image, "Is there a polyp?")["input_ids"][0].tolist()
        ours += framing.token_ids(framing.answer_text("yes it is"))
        theirs = ordinary(framing, image, "Is there a polyp?", "yes it is")["input_ids"][0].tolist()
        assert ours == theirs[: len(ours)]
        assert not framing.tokenizer.decode(theirs[len(ours) :]).strip()  # some write a new line behind the end


def test_pictures_of_other_shapes_have_other_numbers_of_tokens_where_the_family_has_it_so(family):
    lengths = {len(look.ids) for look in family.framing.look([picture(number) for number in range(3)])}
    assert (len(lengths) > 1) == (family.name not in ("llava", "gemma3", PALIGEMMA))


def test_the_family_says_whether_questions_share_a_row_and_why(family):
    possible, reason = choose_packing(family.model)
    assert family.framing.packs == possible == (family.name != PALIGEMMA)
    assert family.framing.packing_reason and reason


def test_gradients_are_those_of_separate_samples(family):
    examples = [Example(picture(0), (*TURNS, BLIND)), Example(picture(1), TURNS[1:]), Example(picture(2), TURNS[:1])]
    loss, _ = answer_loss(family.model, encode(family.framing, examples))
    loss.backward()
    packed = gradients(family.model)
    asked = [(example.image, turn) for example in examples for turn in example.turns]
    whole = sum(turn.weight for _, turn in asked)
    total = 0.0
    for image, turn in asked:
        seen = image if turn.sees_image else None
        logits, targets = ordinary_logits(family.model, family.framing, seen, turn.prompt, turn.answer)
        part = turn.weight / whole * torch.nn.functional.cross_entropy(logits, targets)
        part.backward()
        total += float(part.detach())
    separate = gradients(family.model)
    assert loss.item() == pytest.approx(total, rel=1e-4)
    assert float((packed - separate).norm() / separate.norm()) < 1e-3


def gradients(model) -> torch.Tensor:
    found = [p.grad.flatten() if p.grad is not None else torch.zeros(p.numel()) for p in model.parameters()]
    model.zero_grad()
    return torch.cat(found)


def test_written_answers_are_those_of_the_familys_own_generate(family):
    asked = [(picture(0), "Is there a polyp?"), (picture(1), "What is it?"), (picture(2), "Is there a polyp in it?")]
    asked += [(None, "Is there a polyp?"), (picture(1), "Where?")]
    written = write(family.model, family.framing, [Request(*one) for one in asked], 5)
    for one, (image, question) in zip(written, asked, strict=True):
        inputs = ordinary(family.framing, image, question)
        with torch.no_grad():
            made = family.model.generate(**inputs, max_new_tokens=5, do_sample=False)
        text = family.framing.tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        assert one.text == text.strip()


def test_likelihoods_of_choices_are_those_of_separate_passes(family):
    asked = [
        Candidates(picture(1), "Is there a polyp?", ("yes", "no", "cannot tell")),
        Candidates(picture(0), "Which?", ("red", "a polyp")),
        Candidates(picture(1), "Where is it?", ("left", "right")),
        Candidates(None, "Is there a polyp?", ("yes", "no")),
    ]
    found = log_probabilities(family.model, family.framing, asked)
    for candidates, likelihoods in zip(asked, found, strict=True):
        for answer, likelihood in zip(candidates.answers, likelihoods, strict=True):
            with torch.no_grad():
                logits, targets = ordinary_logits(
                    family.model, family.framing, candidates.image, candidates.question, answer
                )
            expected = float(logits.log_softmax(-1).gather(1, targets[:, None]).sum())
            assert likelihood.total == pytest.approx(expected, rel=1e-4, abs=1e-3)


# --- Learning, keeping, coming back ------------------------------------------------------------------------


def labels(folder: Path) -> list[Question]:
    """Two questions on two pictures of different shape, in `folder`."""
    found = []
    for number, answer in ((1, "yes"), (2, "no")):
        picture(number).save(folder / f"{number}.png")
        found.append(Question(folder / f"{number}.png", "Is there a polyp?", answer, "yes/no", split="train"))
    return found


def turn(label: Question) -> Turn:
    return Turn(label.question, label.answer)


def selection(loaded: Loaded, framing: Framing, folder: Path) -> Selection:
    scores = score_on_labels(loaded.model, framing, labels(folder), "taylor", 0, turn)
    assert all(len(values) == LANGUAGE["intermediate_size"] and values.min() > 0 for values in scores.values())
    return Selection.of(scores, 0.2)


def learn(adapted, framing: Framing, steps: int = 3) -> list[float]:
    """The losses of some steps of training."""
    examples = [Example(picture(1), TURNS), Example(picture(2), TURNS[:1])]
    optimizer = torch.optim.AdamW([p for p in adapted.parameters() if p.requires_grad], 1e-2)
    losses = []
    for _ in range(steps):
        loss, _ = answer_loss(adapted, encode(framing, examples))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def said(model, framing: Framing) -> list[float]:
    asked = [Candidates(picture(2), "Is there a polyp?", ("yes", "no"))]
    return [one.total for one in log_probabilities(model, framing, asked)[0]]


@pytest.mark.parametrize("kind", ["neurons", "lora"])
def test_an_adapter_learns_and_comes_back_and_merges_to_the_same_model(family, kind, tmp_path):
    loaded = fresh(family.folder)
    framing = kept(loaded.model, Framing(loaded.processor))
    before = said(loaded.model, framing)
    if kind == "neurons":
        assert len(feed_forwards(loaded.model)) == LANGUAGE["num_hidden_layers"]
        adapted = add_neuron_adapter(loaded.model, selection(loaded, framing, tmp_path))
    else:
        adapted = add_lora(loaded.model, 2, 4)
    losses = learn(adapted, framing)
    assert losses[-1] < losses[0]
    after = said(adapted, framing)
    assert after != pytest.approx(before, abs=1e-3)
    adapted.save_pretrained(tmp_path / "adapter")
    again = PeftModel.from_pretrained(fresh(family.folder).model, tmp_path / "adapter")
    assert said(again, framing) == pytest.approx(after, abs=1e-4)
    again.merge_and_unload().save_pretrained(tmp_path / "whole")
    framing.processor.save_pretrained(tmp_path / "whole")
    whole = fresh(tmp_path / "whole")
    assert said(whole.model, Framing(whole.processor)) == pytest.approx(after, abs=1e-3)


def test_half_precision_answers_nearly_the_same(family):
    half = load(family.folder, device="cpu", dtype=torch.bfloat16)
    framing = kept(half.model, Framing(half.processor))
    assert said(half.model, framing) == pytest.approx(said(family.model, family.framing), rel=0.05)
    written = write(half.model, framing, [Request(picture(number), "Is it?") for number in range(3)], 2)
    assert all(np.isfinite(one.log_probability) for one in written)
    assert len(learn(add_lora(half.model, 2, 4), framing, 1)) == 1
