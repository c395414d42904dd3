"""Worked examples, small enough to run on a laptop."""
