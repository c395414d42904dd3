"""Mean relative accuracy of numeric answers."""
