"""The page as one HTML file: template, style, script and the table widget put together."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..languages import NAMES
from . import words
from .plots import dumbbell, strips
from .values import Page, Section

if TYPE_CHECKING:
    from jinja2 import Environment

SHADES = 8  # steps of the heat map; style.css has a class for each
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Heat:
    """The scale of a section's heat map: its least and greatest score."""

    low: float
    high: float

    def shade(self, value: float) -> int:
        """0 (least) to SHADES - 1 (greatest)."""
        if self.high <= self.low:
            return 0
        return min(SHADES - 1, int(SHADES * (value - self.low) / (self.high - self.low)))


def html(page: Page) -> str:
    """The whole file. It asks for nothing from outside: a policy in its head forbids that too."""
    template = _environment().get_template("page.html.jinja")
    return template.render(page=page, widget=packed_widget(), command=words.COMMAND) + "\n"


def heat(section: Section) -> Heat:
    """The scale over all first metrics of all columns, so that languages can be compared too."""
    values = [v[0] for row in section.rows for v in row.values.values()]
    return Heat(min(values, default=0.0), max(values, default=0.0))


def distinct(values: Iterable[str]) -> list[str]:
    """The values once each, in their order."""
    return list(dict.fromkeys(values))


@cache
def packed_widget() -> str:
    """DataTables as `itables` bundles it (an ES module without style), in base64 of gzip: a third of its size."""
    spec = find_spec("itables")
    places = [] if spec is None else [Path(p) / "html" / "dt_bundle.js" for p in spec.submodule_search_locations or ()]
    found = next((p for p in places if p.is_file()), None)
    if found is None:
        raise UsageError(f"the page needs itables with its DataTables bundle. {_INSTALL}")
    return b64encode(gzip.compress(found.read_bytes(), 9, mtime=0)).decode()


_INSTALL = "Install the extra: pip install 'xlmr_bench[page]'."


def _environment() -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise UsageError(f"the page needs jinja2. {_INSTALL}") from None
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        words=words, heat=heat, distinct=distinct, strips=strips, dumbbell=dumbbell, names=NAMES, shades=SHADES
    )
    return environment
