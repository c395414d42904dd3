"""Overlap of 2D boxes that answers state."""
