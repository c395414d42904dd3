"""Accuracy of multiple-choice answers."""
