"""Variants of a language that a model gives one name: romanised Hindi, Chinese in either script.

Table 6 of the XLM-R paper counts five romanised languages and both scripts of Chinese apart. The larger of its two rows
of Burmese is text in the Zawgyi encoding: its code points are those of Unicode Burmese, and it is not told apart here;
it comes out as `my`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOOKED_AT = 4000  # characters from the beginning of a document
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]")
# With the signs for vowels, which are no letters to Unicode. Hindi and Urdu are also mistaken for each other.
_ARABIC = "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc"
_OWN = {
    code: re.compile(f"[{characters}]")
    for code, characters in {
        "hi": "\u0900-\u097f" + _ARABIC,
        "bn": "\u0980-\u09ff",
        "ta": "\u0b80-\u0bff",
        "te": "\u0c00-\u0c7f",
        "ur": _ARABIC + "\u0900-\u097f",
    }.items()
}
_FIRST_IDEOGRAPH, _LAST_IDEOGRAPH = 0x4E00, 0x9FFF


def refined(language: str, text: str) -> str:
    """The code of Table 6 by the script of the text: `hi` or `hi_rom`; for `zh`, `zh-Hans` or `zh-Hant`."""
    if language == "zh":
        return chinese_script(text)
    if language in _OWN and _mostly_latin(_OWN[language], text):
        return f"{language}_rom"
    return language


def chinese_script(text: str) -> str:
    """`zh-Hant` where more characters exist only in Big5 than only in GB 2312, else `zh-Hans`."""
    import numpy as np

    units = np.frombuffer(text[:LOOKED_AT].encode("utf-16-le", "replace"), np.dtype("<u2"))
    return "zh-Hant" if int(_leanings()[units].sum(dtype=np.int64)) > 0 else "zh-Hans"


def _mostly_latin(own: re.Pattern[str], text: str) -> bool:
    sample = text[:LOOKED_AT]
    return len(_LATIN.findall(sample)) > len(own.findall(sample))


@cache
def _leanings() -> NDArray[np.int8]:
    """By UTF-16 unit: 1 for an ideograph that only Big5 holds, -1 for one that only GB 2312 holds, else 0."""
    import numpy as np

    table = np.zeros(1 << 16, np.int8)
    for point in range(_FIRST_IDEOGRAPH, _LAST_IDEOGRAPH + 1):
        table[point] = int(_encodable(chr(point), "big5")) - int(_encodable(chr(point), "gb2312"))
    return table


def _encodable(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
