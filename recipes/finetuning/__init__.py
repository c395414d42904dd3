"""Supervised fine-tuning on a declared mix of datasets: from a file that says shares and counts to a model folder."""
