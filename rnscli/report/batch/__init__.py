"""The results of a batch: a folder, its summary and its verdicts."""
