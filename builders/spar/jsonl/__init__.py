"""SPAR-7M's published tree of JSONL files: written from our rows (``export``) and read into them (``read``)."""
