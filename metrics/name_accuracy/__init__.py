"""Accuracy of answers that name an object."""
