"""The parts of the report page; ``recipes/report.py`` puts them together."""
