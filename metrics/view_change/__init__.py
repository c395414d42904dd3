"""Score of camera motions between two views; `view_change.py` is the `evaluate` module."""
