"""A run: options, run folder, records, cells."""
