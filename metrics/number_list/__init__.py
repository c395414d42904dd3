"""Relative accuracy of answers that are several numbers."""
