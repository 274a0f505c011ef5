"""What the families of translation models call the languages of the benchmarks."""

from __future__ import annotations

from ..errors import unknown_name
from ..languages import NAMES

# FLORES-200 codes, as NLLB has them (https://github.com/facebookresearch/flores/blob/main/flores200/README.md).
FLORES = {
    "en": "eng_Latn",
    "fr": "fra_Latn",
    "es": "spa_Latn",
    "de": "deu_Latn",
    "el": "ell_Grek",
    "bg": "bul_Cyrl",
    "ru": "rus_Cyrl",
    "tr": "tur_Latn",
    "ar": "arb_Arab",
    "vi": "vie_Latn",
    "th": "tha_Thai",
    "zh": "zho_Hans",
    "hi": "hin_Deva",
    "sw": "swh_Latn",
    "ur": "urd_Arab",
    "nl": "nld_Latn",
    "ro": "ron_Latn",
}
# mBART-50 has neither Greek nor Bulgarian (Tang et al. 2020, Table 1).
MBART50 = {
    "en": "en_XX",
    "fr": "fr_XX",
    "es": "es_XX",
    "de": "de_DE",
    "ru": "ru_RU",
    "tr": "tr_TR",
    "ar": "ar_AR",
    "vi": "vi_VN",
    "th": "th_TH",
    "zh": "zh_CN",
    "hi": "hi_IN",
    "sw": "sw_KE",
    "ur": "ur_PK",
    "nl": "nl_XX",
    "ro": "ro_RO",
}
# M2M-100 takes two letters; its tokens are `__de__`.
M2M = {code: code for code in FLORES}

# Names of ISO 639 beside two letters and FLORES's three, as OPUS-MT models use them.
_OTHER_NAMES = {
    "zh": ("cmn_Hans", "zho_Hans", "cmn", "zh_CN", "zh_cn"),
    "ar": ("ara",),
    "sw": ("swa", "swa_Latn"),
    "fr": ("fr_FR",),
    "es": ("es_ES",),
    "de": ("de_DE",),
}


def known_language(code: str) -> str:
    """The code itself, or the error for a language that no benchmark here has."""
    if code not in FLORES:
        raise unknown_name("language", code, FLORES)
    return code


def language_name(code: str) -> str:
    """A language's English name."""
    return NAMES.get(code, {"ro": "Romanian"}.get(code, code))


def opus_names(code: str) -> tuple[str, ...]:
    """Every name that an OPUS-MT model may have for a language, the likeliest first."""
    return (*_OTHER_NAMES.get(code, ())[:1], FLORES[code][:3], code, *_OTHER_NAMES.get(code, ()), FLORES[code])


def language_of(name: str) -> str | None:
    """The language that an OPUS-MT model calls so; None for groups (`ROMANCE`, `mul`) and for languages not here."""
    return next((code for code in FLORES if name in opus_names(code)), None)
