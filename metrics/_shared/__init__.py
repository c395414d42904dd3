"""What several metrics need; `scripts/sync_metrics.py` copies each file into the metric folders that import it."""
