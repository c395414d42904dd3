"""Derived figures of the papers, recomputed from the numbers they print."""
