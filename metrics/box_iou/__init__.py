"""Overlap of oriented 3D boxes."""
