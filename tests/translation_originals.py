"""Small originals of question answering and GLUE in the official layouts, with manifests of their own."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

Asked = list[tuple[str, str, list[str]]]

MNLI = [
    [
        "index",
        "promptID",
        "pairID",
        "genre",
        "sentence1_binary_parse",
        "sentence1",
        "sentence2",
        "label1",
        "gold_label",
    ],
    ["0", "31193", "31193n", "government", "( Tom ( sees ) )", "Tom sees a dog .", "A dog .", "neutral", "neutral"],
    ["1", "101457", "101457e", "telephone", "( He left )", "He left .", "He is gone .", "x", "entailment"],
]


def paragraph(context: str, questions: Asked) -> dict[str, Any]:
    qas = [
        {"id": i, "question": q, "answers": [{"text": a, "answer_start": context.index(a)} for a in answers]}
        for i, q, answers in questions
    ]
    return {"context": context, "qas": qas}


def write_questions(path: Path, paragraphs: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": "1.1", "data": [{"title": "Apples", "paragraphs": paragraphs}]}))


def own_data_set(folder: Path) -> Path:
    """List the files of a folder in a manifest, so that readers do not expect the published numbers of examples."""
    files = {
        p.relative_to(folder).as_posix(): {"sha256": hashlib.sha256(p.read_bytes()).hexdigest()}
        for p in folder.rglob("*")
        if p.is_file()
    }
    (folder / "manifest.json").write_text(json.dumps({"name": "small", "files": files}))
    return folder


def write_squad(data: Path) -> Path:
    """Train and dev of SQuAD: two paragraphs, five questions, six answers."""
    one = 'Tom bought a green apple in 1990. He sold it. Dr. Li saw "him" there.'
    two = "Anna lives in a red house.\nShe has 3 dogs."
    paragraphs = [
        paragraph(
            one,
            [("q1", "Who bought?", ["Tom", "Tom bought"]), ("q2", "When?", ["1990"]), ("q5", "Who was seen?", ["him"])],
        ),
        paragraph(two, [("q3", "Where?", ["in a red house"]), ("q4", "How many?", ["3"])]),
    ]
    for name in ("train-v1.1.json", "dev-v1.1.json"):
        write_questions(data / "squad" / name, paragraphs)
    return own_data_set(data)


def write_test_sets(data: Path) -> Path:
    """MLQA and XQuAD test in German and English, questions in another order."""
    german = [("b", "Wo?", ["in Köln"]), ("a", "Wann?", ["1990"])]
    english = [("a", "When?", ["1990"]), ("b", "Where?", ["in Cologne"])]
    texts = {"de": ("Tom lebte 1990 in Köln.", german), "en": ("Tom lived in Cologne in 1990.", english)}
    for code, (context, asked) in texts.items():
        for name in (f"MLQA_V1/test/test-context-{code}-question-{code}.json", f"xquad.{code}.json"):
            write_questions(data / name, [paragraph(context, asked)])
    return own_data_set(data)


def write_glue(data: Path) -> Path:
    """MNLI in all its files, CoLA without header, and QQP with a broken line."""
    qqp = [
        ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
        ["0", "1", "2", "What is it ?", "What is this ?", "1"],
        ["1", "3", "4", "Who"],
        ["2", "5", "6", "Who left ?", "Where is Tom ?", "0"],
    ]
    write_rows(data / "glue_data/MNLI/train.tsv", MNLI)
    write_rows(data / "glue_data/MNLI/dev_matched.tsv", MNLI)
    write_rows(data / "glue_data/MNLI/dev_mismatched.tsv", MNLI)
    write_rows(data / "glue_data/QQP/train.tsv", qqp)
    cola = [["gj04", "1", "", "The dog ran ."], ["gj05", "0", "*", "Ran dog the ."]]
    write_rows(data / "glue_data/CoLA/train.tsv", cola)
    return own_data_set(data)


def write_corpus(data: Path) -> Path:
    """MRPC as its makers distribute it: three pairs, of which GLUE's list puts the second into dev."""
    rows = [
        ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"],
        ["1", "11", "12", "Tom left .", "Tom has left ."],
        ["1", "21", "22", "Anna ran .", "Anna was running ."],
        ["0", "31", "32", "It rains .", "Dogs bark ."],
    ]
    write_rows(data / "glue_data/MRPC/msr_paraphrase_train.txt", rows)
    write_rows(data / "glue_data/MRPC/dev_ids.tsv", [["21", "22"]])
    return own_data_set(data)


def write_rows(path: Path, rows: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
