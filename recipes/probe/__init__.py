"""Contrastive probing of hidden states (Why Far Looks Up, sections on contrastive probing), in stages that each read
and write files: pairs of questions, hidden states of a model, figures. ``recipes/probing.py`` is the command."""
