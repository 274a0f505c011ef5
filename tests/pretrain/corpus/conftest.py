"""What the tests of the corpus share."""

from dump_fixtures import dump, lid, sentences

__all__ = ["dump", "lid", "sentences"]
