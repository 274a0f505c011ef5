"""What the published CoNLL-2002 and CoNLL-2003 files hold, and how a copy is measured against them.

Sentences, words and entities of 2003 are those of Tjong Kim Sang and De Meulder (2003), Tables 1 and 2
(https://aclanthology.org/W03-0419/), which count a `-DOCSTART-` line as a sentence and not as a word: 14,987
English training sentences there are 14,041 and 946 marks. For 2002 the paper gives lines of the files alone
(Tjong Kim Sang 2002, https://aclanthology.org/W02-2024/: es 273,037, 54,837, 53,049; nl 218,737, 40,656, 74,189);
words and entities are counted here, without `-DOCSTART-`. The Spanish files are not quite IOB2: one entity in each
begins with `I-`, and is counted as conlleval counts it. Digests do not depend on encoding, other columns and scheme.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..errors import DataError
from ..examples import Split, TaggedSentence, digest_rows

TYPES = ("LOC", "MISC", "ORG", "PER")
# Language -> (its code in file names, year of its shared task).
CODES = {"en": ("eng", 2003), "de": ("deu", 2003), "es": ("esp", 2002), "nl": ("ned", 2002)}
REMEDY = "Repair the file, or make it again from the official distribution."


@dataclass(frozen=True)
class Published:
    """Counts of a split (`entities` in the order of TYPES) and digests, see `content_digests`."""

    sentences: int
    words: int
    entities: tuple[int, int, int, int]
    content: str
    text: str
    unordered: str


def content_digests(sentences: tuple[TaggedSentence, ...]) -> tuple[str, str, str]:
    """First 16 hexadecimal digits of SHA-256 over words and tags, over words, over words and tags in any order."""
    rows = [(*s.words, *s.tags) for s in sentences]
    digests = digest_rows(rows), digest_rows(s.words for s in sentences), digest_rows(sorted(rows))
    return digests[0][:16], digests[1][:16], digests[2][:16]


def entity_counts(sentences: tuple[TaggedSentence, ...]) -> tuple[int, int, int, int]:
    """How many entities of each of TYPES; tags are IOB2, so that every entity has one `B-`."""
    begun = Counter(tag for s in sentences for tag in s.tags)
    loc, misc, org, per = (begun[f"B-{kind}"] for kind in TYPES)
    return loc, misc, org, per


def check_complete(split: Split[TaggedSentence]) -> None:
    """A dev or test set must have its sentences in order; raises DataError where it does not."""
    if split.role not in ("dev", "test"):
        return
    published, found = PUBLISHED[split.role, split.language], len(split.examples)
    here = f"{split.files[0]}: {split.language!r} {split.role}"
    if found != published.sentences:
        raise DataError(f"{here} has {found:,} sentences instead of {published.sentences:,}. {REMEDY}")
    content, _, unordered = content_digests(split.examples)
    if unordered == published.unordered and content != published.content:
        raise DataError(f"{here} holds the official sentences in another order. {REMEDY}")


def deviation(split: Split[TaggedSentence]) -> str | None:
    """How a split differs from the published data, in words; None where it does not."""
    if split.role == "translate-train":
        # Translations are of the English training set.
        whole = PUBLISHED["train", "en"].sentences
        size = "" if len(split.examples) == whole else f", {len(split.examples):,} of {whole:,} sentences"
        return f"a translation, of which none is official{size}"
    published = PUBLISHED[split.role, split.language]
    if len(split.examples) != published.sentences:
        return f"{len(split.examples):,} of {published.sentences:,} sentences"
    content, text, unordered = content_digests(split.examples)
    if content == published.content:
        return None
    if unordered == published.unordered:
        return "the sentences are in another order"
    if text == published.text:
        return f"the words are the official ones, the tags are not ({_differences(split, published)})"
    return f"texts are not the official ones ({_differences(split, published)})"


def annotation(split: Split[TaggedSentence]) -> str | None:
    """Whose annotation a German split has, told by its entities where it has as many words; None for other data.

    The revision of 2006 gave the words of 2003 other entities; the paper of 2003 counts only the first.
    """
    published = PUBLISHED.get((split.role, split.language))
    if published is None or split.language != "de" or sum(len(s.words) for s in split.examples) != published.words:
        return None
    same = entity_counts(split.examples) == published.entities
    return "annotation of 2003" if same else "not the annotation of 2003, probably its revision of 2006"


def _differences(split: Split[TaggedSentence], published: Published) -> str:
    counts = [
        ("words", sum(len(s.words) for s in split.examples), published.words),
        *zip(TYPES, entity_counts(split.examples), published.entities, strict=True),
    ]
    unequal = [f"{name} {found:,} for {wanted:,}" for name, found, wanted in counts if found != wanted]
    return ", ".join(unequal) or "as many words and entities"


PUBLISHED: dict[tuple[str, str], Published] = {
    ("train", "en"): Published(
        14_041, 203_621, (7140, 3438, 6321, 6600), "c8952f1933344ba3", "ff0ae4a478ccc53e", "b0f5c409d97acc93"
    ),
    ("train", "de"): Published(
        12_152, 206_931, (4363, 2288, 2427, 2773), "5995089d2383ebc0", "52307bcd8ddb25df", "bdac6ebc2918d5ad"
    ),
    ("train", "es"): Published(
        8_323, 264_715, (4914, 2173, 7390, 4321), "cc3f0e4acff3e24f", "19920e0dbcb94647", "5c996a77edc8248e"
    ),
    ("train", "nl"): Published(
        15_806, 202_644, (3208, 3338, 2082, 4716), "98ea3a7745e14f47", "fa3b86d69d1b4c9e", "6b371d5f2dc7b9a6"
    ),
    ("dev", "en"): Published(
        3_250, 51_362, (1837, 922, 1341, 1842), "62ab21fe6008126a", "318683a0f75db360", "5fd0dfe3b940a989"
    ),
    ("dev", "de"): Published(
        2_867, 51_444, (1181, 1010, 1241, 1401), "190f1ee1604a3a15", "7dc728208c384218", "b057a7bd8cc98eb6"
    ),
    ("dev", "es"): Published(
        1_915, 52_923, (985, 445, 1700, 1222), "46fc28194869e364", "ed183f86bc8b34bf", "0622571cef57e889"
    ),
    ("dev", "nl"): Published(
        2_895, 37_687, (479, 748, 686, 703), "283f4177ad570612", "95b526827f102c6a", "938086d6d115221b"
    ),
    ("test", "en"): Published(
        3_453, 46_435, (1668, 702, 1661, 1617), "9b7d96c8351aa3a7", "be6a5631994f1124", "5e3f17afb94ee8e0"
    ),
    ("test", "de"): Published(
        3_005, 51_943, (1035, 670, 773, 1195), "6168802616bcc1bb", "6e43703cc9a50895", "1bf5b773f5f15a71"
    ),
    ("test", "es"): Published(
        1_517, 51_533, (1084, 340, 1400, 735), "230710bc0711e8a6", "49b960befdae05b8", "17b574781a3edcf1"
    ),
    ("test", "nl"): Published(
        5_195, 68_875, (774, 1187, 882, 1098), "32470a37ca4e3b9d", "6b484931aa5ac1df", "e49e3893ceaee0a7"
    ),
}
