"""Entanglement of the vertical and the distance direction of delta vectors."""
