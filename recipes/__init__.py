"""Small runners: a dataset and a model give results; results give a report."""
