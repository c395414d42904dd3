"""SPAR-Bench scores by task and level; `spar_score.py` is the `evaluate` module."""
