"""Exact match of short free answers."""
