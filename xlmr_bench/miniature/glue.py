"""GLUE's nine tasks in the columns of its official files, English only, labels from meaning.

Each task has as many examples of one label as of another, made in the same ways, so that only the meaning tells them
apart. No pair of texts stands in a task twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .asking import as_typed, question
from .draw import choose, shuffled, stream
from .glue_texts import Example, asked_twice, hearsay, opinion, pronoun, resembling, retold, scrambled, told
from .made import MadeFile, table
from .nli import Prompt, draw_event, prompts
from .stories import stories

COUNTS = {"train": 400, "dev": 100}
PROMPTS = {"train": 200, "dev_matched": 40, "dev_mismatched": 40}  # of three pairs each
BINARY, ENTAILMENT = ("0", "1"), ("entailment", "not_entailment")
BANDS = ("0", "1", "2", "3", "4", "5")
_MNLI = (
    "index", "promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse",
    "sentence2_parse", "sentence1", "sentence2",
)  # fmt: skip
_STSB = ("index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2", "score")
_PAIR = ("index", "sentence1", "sentence2", "label")

Row = tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """`draw` makes an example that has the wanted label (for STS-B: a score in that band); `row` places it, by its
    number in the file, under `header`.
    """

    name: str
    wanted: tuple[str, ...]
    draw: Callable[[random.Random, str], Example]
    header: Row
    row: Callable[[int, Example], Row]


def glue_files(name: str) -> Iterator[MadeFile]:
    """Train and dev of every task."""
    yield from _mnli_files(name)
    for task in _tasks(name):
        rng = stream(name, "glue", task.name)
        seen: set[tuple[str, str]] = set()
        for split, count in COUNTS.items():
            rows = [task.row(i, example) for i, example in enumerate(_examples(task, rng, count, seen))]
            yield table(f"glue_data/{task.name}/{split}.tsv", rows, task.header)


def _tasks(name: str) -> tuple[Task, ...]:
    qqp = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
    mrpc = ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String")
    return (
        Task("QNLI", ENTAILMENT, _sentences_to_questions(name), ("index", "question", "sentence", "label"), _indexed),
        Task("QQP", BINARY, asked_twice, qqp, lambda i, e: (str(i), *_ids(i), *e)),
        Task("SST-2", BINARY, opinion, ("sentence", "label"), lambda i, e: (e[0] + " ", e[2])),
        Task("MRPC", BINARY, retold, mrpc, lambda i, e: (e[2], *_ids(i), *e[:2])),
        Task("STS-B", BANDS, resembling, _STSB, lambda i, e: (str(i), name, name, "none", str(i), "none", "none", *e)),
        Task("CoLA", BINARY, scrambled, (), lambda i, e: (name, e[2], "*" if e[2] == "0" else "", e[0])),
        Task("RTE", ENTAILMENT, _premises(name), _PAIR, _indexed),
        Task("WNLI", BINARY, pronoun, _PAIR, _indexed),
    )


def _examples(task: Task, rng: random.Random, count: int, seen: set[tuple[str, str]]) -> Iterator[Example]:
    """Examples with every label equally often, in random order; none whose texts were `seen`."""
    repeats = -(-count // len(task.wanted))
    for wanted in shuffled(rng, (task.wanted * repeats)[:count]):
        example = task.draw(rng, wanted)
        while example[:2] in seen:
            example = task.draw(rng, wanted)
        seen.add(example[:2])
        yield example


def _indexed(i: int, example: Example) -> Row:
    return str(i), *example


def _ids(i: int) -> tuple[str, str]:
    return str(2 * i + 1), str(2 * i + 2)


def _mnli_files(name: str) -> Iterator[MadeFile]:
    """The pairs of XNLI's kind; the mismatched ones are told as hearsay, a genre that training does not have."""
    for split, drawn in prompts(f"{name} glue", PROMPTS).items():
        labels = ("label1",) if split == "train" else ("label1", "label2", "label3", "label4", "label5")
        rows = _mnli_rows(drawn, "hearsay" if split == "dev_mismatched" else "report", len(labels) + 1)
        yield table(f"glue_data/MNLI/{split}.tsv", rows, (*_MNLI, *labels, "gold_label"))


def _mnli_rows(drawn: Iterable[Prompt], genre: str, labels: int) -> Iterator[Row]:
    say = hearsay if genre == "hearsay" else told
    pairs = ((n, prompt.premise, *pair) for n, prompt in enumerate(drawn) for pair in prompt.hypotheses)
    for i, (number, premise, label, hypothesis) in enumerate(pairs):
        texts = say(premise), say(hypothesis)
        yield str(i), str(number), f"{number}{label[0]}", genre, "", "", "", "", *texts, *[label] * labels


def _sentences_to_questions(name: str) -> Callable[[random.Random, str], Example]:
    """QNLI: a question on a document with the sentence that answers it or another one, as like it as there is."""
    source = ((story, asked) for story in stories(name, "qnli", 2 * sum(COUNTS.values())) for asked in story.questions)

    def draw(rng: random.Random, label: str) -> Example:
        story, asked = next(source)
        sentence = story.told[asked.sentence]
        if label == "not_entailment":
            others = [meaning for i, meaning in enumerate(story.told) if i != asked.sentence]
            alike = [m for m in others if (m.actor, m.action) == (sentence.actor, sentence.action)]
            sentence = choose(rng, alike or [m for m in others if m.actor == sentence.actor] or others)
        return as_typed(question(asked.known, asked.role, "en"), "en"), told(sentence), label

    return draw


def _premises(name: str) -> Callable[[random.Random, str], Example]:
    """RTE: pairs of XNLI's kind with a sentence about someone else before or after the premise; two labels."""
    source = iter(prompts(f"{name} rte", {"all": 2 * sum(COUNTS.values())})["all"])

    def draw(rng: random.Random, label: str) -> Example:
        prompt = next(source)
        fitting = [h for its, h in prompt.hypotheses if (its == "entailment") == (label == "entailment")]
        other = draw_event(rng)
        while other.actor == prompt.premise.actor:
            other = draw_event(rng)
        text: Sequence[str] = shuffled(rng, (told(prompt.premise), told(other)))
        return " ".join(text), told(choose(rng, fitting)), label

    return draw
