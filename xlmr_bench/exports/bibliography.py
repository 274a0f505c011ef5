"""The papers to cite, as BibTeX."""

from __future__ import annotations

from ..benchmarks.base import Benchmark

XLMR = """\
@inproceedings{conneau-etal-2020-unsupervised,
  title = {Unsupervised Cross-lingual Representation Learning at Scale},
  author = {Conneau, Alexis and Khandelwal, Kartikay and Goyal, Naman and Chaudhary, Vishrav and Wenzek, Guillaume and
    Guzm{\\'a}n, Francisco and Grave, Edouard and Ott, Myle and Zettlemoyer, Luke and Stoyanov, Veselin},
  booktitle = {Proceedings of the 58th Annual Meeting of the Association for Computational Linguistics},
  year = {2020},
  pages = {8440--8451},
  doi = {10.18653/v1/2020.acl-main.747},
  url = {https://aclanthology.org/2020.acl-main.747/},
}"""
_SQUAD = """\
@inproceedings{rajpurkar-etal-2016-squad,
  title = {{SQ}u{AD}: 100,000+ Questions for Machine Comprehension of Text},
  author = {Rajpurkar, Pranav and Zhang, Jian and Lopyrev, Konstantin and Liang, Percy},
  booktitle = {Proceedings of the 2016 Conference on Empirical Methods in Natural Language Processing},
  year = {2016},
  pages = {2383--2392},
  doi = {10.18653/v1/D16-1264},
  url = {https://aclanthology.org/D16-1264/},
}"""
_XNLI = """\
@inproceedings{conneau-etal-2018-xnli,
  title = {{XNLI}: Evaluating Cross-lingual Sentence Representations},
  author = {Conneau, Alexis and Rinott, Ruty and Lample, Guillaume and Williams, Adina and Bowman, Samuel and
    Schwenk, Holger and Stoyanov, Veselin},
  booktitle = {Proceedings of the 2018 Conference on Empirical Methods in Natural Language Processing},
  year = {2018},
  pages = {2475--2485},
  doi = {10.18653/v1/D18-1269},
  url = {https://aclanthology.org/D18-1269/},
}"""
_CONLL_2002 = """\
@inproceedings{tjong-kim-sang-2002-introduction,
  title = {Introduction to the {C}o{NLL}-2002 Shared Task: Language-Independent Named Entity Recognition},
  author = {Tjong Kim Sang, Erik F.},
  booktitle = {{COLING}-02: The 6th Conference on Natural Language Learning 2002 ({C}o{NLL}-2002)},
  year = {2002},
  url = {https://aclanthology.org/W02-2024/},
}"""
_CONLL_2003 = """\
@inproceedings{tjong-kim-sang-de-meulder-2003-introduction,
  title = {Introduction to the {C}o{NLL}-2003 Shared Task: Language-Independent Named Entity Recognition},
  author = {Tjong Kim Sang, Erik F. and De Meulder, Fien},
  booktitle = {Proceedings of the Seventh Conference on Natural Language Learning at {HLT}-{NAACL} 2003},
  year = {2003},
  pages = {142--147},
  url = {https://aclanthology.org/W03-0419/},
}"""
_MLQA = """\
@inproceedings{lewis-etal-2020-mlqa,
  title = {{MLQA}: Evaluating Cross-lingual Extractive Question Answering},
  author = {Lewis, Patrick and Oguz, Barlas and Rinott, Ruty and Riedel, Sebastian and Schwenk, Holger},
  booktitle = {Proceedings of the 58th Annual Meeting of the Association for Computational Linguistics},
  year = {2020},
  pages = {7315--7330},
  doi = {10.18653/v1/2020.acl-main.653},
  url = {https://aclanthology.org/2020.acl-main.653/},
}"""
_XQUAD = """\
@inproceedings{artetxe-etal-2020-cross,
  title = {On the Cross-lingual Transferability of Monolingual Representations},
  author = {Artetxe, Mikel and Ruder, Sebastian and Yogatama, Dani},
  booktitle = {Proceedings of the 58th Annual Meeting of the Association for Computational Linguistics},
  year = {2020},
  pages = {4623--4637},
  doi = {10.18653/v1/2020.acl-main.421},
  url = {https://aclanthology.org/2020.acl-main.421/},
}"""
_GLUE = """\
@inproceedings{wang-etal-2019-glue,
  title = {{GLUE}: A Multi-Task Benchmark and Analysis Platform for Natural Language Understanding},
  author = {Wang, Alex and Singh, Amanpreet and Michael, Julian and Hill, Felix and Levy, Omer and Bowman, Samuel R.},
  booktitle = {International Conference on Learning Representations},
  year = {2019},
  url = {https://openreview.net/forum?id=rJ4km2R5t7},
}"""
# MLQA and XQuAD are trained on SQuAD.
_PAPERS = {
    "xnli": (_XNLI,),
    "ner": (_CONLL_2002, _CONLL_2003),
    "squad": (_SQUAD,),
    "mlqa": (_MLQA, _SQUAD),
    "xquad": (_XQUAD, _SQUAD),
    "glue": (_GLUE,),
}


def papers(benchmark: Benchmark) -> tuple[str, ...]:
    """BibTeX of a benchmark; of a plugin's, what it says about itself."""
    if benchmark.plugin is None and benchmark.name in _PAPERS:
        return _PAPERS[benchmark.name]
    return (f"@misc{{{benchmark.name},\n  title = {{{benchmark.title}}},\n  note = {{{benchmark.reference}}},\n}}",)
