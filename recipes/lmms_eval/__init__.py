"""Tasks for lmms-eval: ``--include_path recipes/lmms_eval``. Nothing here imports lmms-eval."""
