"""Several runs beside each other: reading their folders, differences on the same questions, tables.

``recipes/compare.py`` puts the parts together; ``recipes/reporting`` draws them.
"""
