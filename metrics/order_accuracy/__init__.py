"""Accuracy of answers that put names in order."""
