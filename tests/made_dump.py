"""A dump made from real sentences, of which everything is known beforehand: repeats, short pages, what is left."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wet_files import DUMP, write_wet

LONG_ENOUGH = 450  # characters of a page that is to be kept, with room for the lines that it loses


@dataclass
class MadeDump:
    """folder: of the WET files. left: (language, text without its repeated lines) of the documents, in their order."""

    folder: Path
    pages: int = 0
    too_short: int = 0
    only_repeats: int = 0
    lines: int = 0
    repeated_lines: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)


def make_dump(folder: Path, sentences: Mapping[str, Iterable[str]], files: int = 3) -> MadeDump:
    """Pages of each language, spread over the files. `sentences` of a language must come out once each.

    Every page of a language begins and ends with the same two lines. Its first page is in two files, and its second
    and third have their middle line in common.
    """
    made = MadeDump(folder / "crawl-data" / DUMP / "wet")
    contents: list[list[tuple[str, str]]] = [[] for _ in range(files)]
    left: list[list[tuple[str, str]]] = [[] for _ in range(files)]
    for language, documents in pages_of(sentences).items():
        menu, notice = f"{language} | MENU | 2018", f"(c) {language} 1999-2018, all rights"
        for number, lines in enumerate(documents):
            own, places = list(lines), [number % files]
            if number == 0:  # twice the same
                own, places = [], [0, 1]
            elif number == 1:  # the line it shares with the next goes from both
                lines = [*lines, documents[2][0]]
            elif number == 2:
                own = own[1:]
            for place in places:
                text = "\n".join([menu, *lines, notice])
                contents[place].append((f"https://{language}.example/{number}", text))
                made.lines += len(lines) + 2
                made.repeated_lines += len(lines) + 2 - len(own)
                if own:
                    left[place].append((language, "\n".join(own)))
                else:
                    made.only_repeats += 1
    for place, pages in enumerate(contents):
        pages.append((f"https://short.example/{place}", "Not much to see here."))
        made.too_short += 1
        made.pages += len(pages)
        write_wet(made.folder / f"CC-MAIN-20180716-{place:05}.warc.wet.gz", pages)
        made.left += left[place]
    return made


def pages_of(sentences: Mapping[str, Iterable[str]]) -> dict[str, list[list[str]]]:
    """Each language's sentences as pages that are long enough; a sentence that was there before is left out."""
    seen: set[str] = set()
    found: dict[str, list[list[str]]] = {}
    for language, lines in sentences.items():
        pages, page = [], list[str]()
        for line in lines:
            letters = re.sub(r"[\W\d_]+", "", line).casefold()
            if len(letters) < 10 or letters in seen:
                continue
            seen.add(letters)
            page.append(line.strip())
            if sum(map(len, page[1:])) >= LONG_ENOUGH:  # page[0] may go
                pages.append(page)
                page = []
        found[language] = pages
    return found


def digests(out: Path) -> dict[str, str]:
    """Every file of a corpus that is a result: not the logs."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name != ".lock"]
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if "logs" not in path.relative_to(out).parts
    }
