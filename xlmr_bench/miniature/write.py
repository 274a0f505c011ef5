"""The miniature world as files, in the formats of the data sets that it stands in for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from random import Random

from ..files import atomic_path, sha256_of, write_json
from .draw import stream
from .glue import glue_files
from .grammar import Piece, join, pieces, render
from .lexicon import LANGUAGES
from .meaning import Meaning
from .ner import conll_files
from .nli import Prompt, prompts
from .noise import into_english, with_slip
from .squad_json import squad_files
from .text import documents
from .vocabulary import train_vocabulary

NAME = "miniature"
# Raised by hand whenever the content of the world changes.
VERSION = "1.1"
PROMPTS = {"dev": 100, "test": 200, "train": 1_500}
XNLI_CODES = tuple(sorted(set(LANGUAGES) - {"nl"}))
# The 19 columns of XNLI 1.0; those without a value here are empty.
XNLI_COLUMNS = (
    "language",
    "gold_label",
    "sentence1_binary_parse",
    "sentence2_binary_parse",
    "sentence1_parse",
    "sentence2_parse",
    "sentence1",
    "sentence2",
    "promptID",
    "pairID",
    "genre",
    "label1",
    "label2",
    "label3",
    "label4",
    "label5",
    "sentence1_tokenized",
    "sentence2_tokenized",
    "match",
)
# XNLI-MT spells the third label so.
MT_LABELS = {"entailment": "entailment", "neutral": "neutral", "contradiction": "contradictory"}

MODEL_FILE = "sentencepiece.bpe.model"

README = """\
The miniature world: small multilingual data in the formats of XNLI, CoNLL, SQuAD, MLQA, XQuAD and GLUE, made by the
harness itself.

What it is: templates and hand-written lexicons in 16 languages (the 15 of XNLI and Dutch), each with its own script,
word order and agreement. Labels, tags and answers follow from the meanings of the sentences. The content is the same
on every machine. It serves to test the harness, to try commands and to show that a model learns.

What it is not: a benchmark. Its sentences are few, alike and grammatically simplified, its "translations" are
renderings with random slips, and its scores say nothing about a model's quality. Never report them.

Natural language inference
XNLI-1.0/xnli.{dev,test}.tsv                      NLI pairs in 15 parallel languages, official columns
XNLI-MT-1.0/multinli/multinli.train.LANGUAGE.tsv  training pairs, aligned across languages
XNLI-MT-1.0/xnli/xnli.{dev,test}.LANGUAGE.tsv     the pairs of LANGUAGE brought back into English

Named entities (PER, LOC, ORG, MISC): the same kinds of sentences in four languages, but not parallel. One word is a
person, a town, a company or a team by its sentence alone; a third of the open names never occurs in training.
2003/eng.{train,testa,testb}                      4 columns, IOB1, ISO-8859-1; parts of speech and chunks are rough
2003/deu.{train,testa,testb}                      5 columns, IOB1, ISO-8859-1
2002/esp.{train,testa,testb}                      2 columns, IOB2, ISO-8859-1
2002/ned.{train,testa,testb}                      3 columns, IOB2, ISO-8859-1
translate-train/{de,es,nl}.conll                  eng.train word by word, in English word order; word, tab, IOB2 tag

Questions on documents of several people's doings. Questions have a simplified grammar: a question word (where, when,
of what colour, what, who) and the known parts of one event, in lower case and without a mark, as typed into a search
field. The answer is what the one fitting sentence says, its preposition included; dev of SQuAD accepts less or more.
Whoever knows what kind of thing is asked, and picks one at random, is right a third of the time.
squad/{train,dev}-v1.1.json                       English
mlqa-translate-train/L_squad-translate-train-{train,dev}-v1.1.json  the same in 6 languages with slips, some lost
MLQA_V1/{dev,test}/{dev,test}-context-X-question-Y.json  49 pairs of 7 languages with the questions that both have
mlqa-translate-test/translate-test-context-L-question-L.json  MLQA's test in L brought into English, with slips
xquad/xquad.L.json                                the first documents of SQuAD's dev, parallel in 11 languages
xquad/translate-test/xquad.translate.test.L-en.json  the same brought back into English

English tasks, official columns; every label as often as another
glue_data/TASK/{train,dev}.tsv                    CoLA, MRPC, QNLI, QQP, RTE, SST-2, STS-B, WNLI
glue_data/MNLI/{train,dev_matched,dev_mismatched}.tsv  the mismatched pairs are hearsay, a genre not in training

text/LANGUAGE.txt                                 text for pretraining, a sentence a line; blank lines part documents
sentencepiece.bpe.model                           a SentencePiece vocabulary trained on that text
manifest.json                                     SHA-256 and number of rows of each file
"""

Say = Callable[[Meaning], str]
Row = tuple[str, ...]


def write_miniature(folder: Path) -> None:
    """Write the whole world into `folder`, which appears complete or not at all; its `README.txt` lists the files.

    A folder that is already there and not empty stays as it is. Raises XlmrBenchError where it cannot be written.
    """
    with atomic_path(folder) as part:
        rows: dict[str, int] = {}
        for path, lines in _tables(prompts(NAME, PROMPTS)):
            rows[path] = _write(part / path, ("\t".join(line) for line in lines)) - 1
        text = {language: documents(NAME, language) for language in LANGUAGES}
        for language, told in text.items():
            path = f"text/{language}.txt"
            rows[path] = _write(part / path, _separated(told, language)) - len(told) + 1
        model, rows[MODEL_FILE] = train_vocabulary(text)
        (part / MODEL_FILE).write_bytes(model)
        for made in chain(conll_files(NAME), squad_files(NAME), glue_files(NAME)):
            rows[made.path] = made.rows
            (part / made.path).parent.mkdir(parents=True, exist_ok=True)
            (part / made.path).write_bytes(made.content)
        rows["README.txt"] = _write(part / "README.txt", README.splitlines())
        files = {path: {"sha256": sha256_of(part / path), "rows": rows[path]} for path in sorted(rows)}
        write_json(part / "manifest.json", {"name": NAME, "version": VERSION, "files": files})


def _tables(splits: dict[str, list[Prompt]]) -> Iterator[tuple[str, Iterable[Row]]]:
    """Every tab-separated file: its path and its rows, header first."""
    for split in ("dev", "test"):
        yield f"XNLI-1.0/xnli.{split}.tsv", _official(splits[split])
    for language in XNLI_CODES:
        say = _plain("en") if language == "en" else _translator(f"train/{language}", language, with_slip)
        yield f"XNLI-MT-1.0/multinli/multinli.train.{language}.tsv", _pairs(splits["train"], say)
    for split in ("dev", "test"):
        for language in XNLI_CODES:
            if language != "en":
                say = _translator(f"{split}/{language}", "en", into_english)
                yield f"XNLI-MT-1.0/xnli/xnli.{split}.{language}.tsv", _pairs(splits[split], say)


def _official(split: list[Prompt]) -> Iterator[Row]:
    """XNLI-1.0's layout: one block a language, the same rows in each."""
    yield XNLI_COLUMNS
    for language in XNLI_CODES:
        say = _plain(language)
        for prompt_id, prompt in enumerate(split, 1):
            for place, (label, hypothesis) in enumerate(prompt.hypotheses, 1):
                values = {
                    "language": language,
                    "gold_label": label,
                    "sentence1": say(prompt.premise),
                    "sentence2": say(hypothesis),
                    "promptID": str(prompt_id),
                    "pairID": str(3 * (prompt_id - 1) + place),
                    "genre": NAME,
                }
                yield tuple(values.get(column, "") for column in XNLI_COLUMNS)


def _pairs(split: list[Prompt], say: Say) -> Iterator[Row]:
    """XNLI-MT's layout. A premise is translated once for its three pairs."""
    yield "premise", "hypo", "label"
    for prompt in split:
        premise = say(prompt.premise)
        for label, hypothesis in prompt.hypotheses:
            yield premise, say(hypothesis), MT_LABELS[label]


def _plain(language: str) -> Say:
    return lambda meaning: render(meaning, language).text


def _translator(purpose: str, language: str, noise: Callable[[Random, Sequence[Piece]], list[Piece]]) -> Say:
    """Renders into `language` with the slips of `noise`, drawn from a stream of its own."""
    rng = stream(NAME, purpose)
    return lambda meaning: join(noise(rng, pieces(meaning, language)), language).text


def _separated(told: list[list[Meaning]], language: str) -> Iterator[str]:
    """Documents as lines with a blank line between them."""
    for i, document in enumerate(told):
        if i:
            yield ""
        for meaning in document:
            yield render(meaning, language).text


def _write(path: Path, lines: Iterable[str]) -> int:
    """Write lines and return their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = list(lines)
    path.write_text("\n".join(written) + "\n", encoding="utf-8", newline="\n")
    return len(written)
