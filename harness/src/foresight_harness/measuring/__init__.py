"""From a planned cell to per-sample values: cache, extraction, conditioning, fitting, workshop, suites."""
