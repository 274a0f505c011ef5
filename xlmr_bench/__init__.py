"""Evaluate multilingual encoders by the protocols of the XLM-R paper (Conneau et al., ACL 2020)."""

__version__ = "0.1.0"
