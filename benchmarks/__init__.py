"""What ``foresight-bench run`` scores by: suites (a test file each), matrices, gates, sentinels. Nothing to import."""
