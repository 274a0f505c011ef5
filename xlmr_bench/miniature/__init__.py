"""A small multilingual world of our own: the default data of the harness, for tests, trials and the demo.

Sixteen languages, real words in their real scripts, grammar simplified to past events with an indefinite object.
See `write.README` for what it is and is not.
"""

from .build import miniature_folder
from .lexicon import LANGUAGES, parallel_words
from .write import VERSION, write_miniature

__all__ = ["LANGUAGES", "VERSION", "miniature_folder", "parallel_words", "write_miniature"]
