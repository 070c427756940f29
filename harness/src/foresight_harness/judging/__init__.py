"""What is concluded from finished runs: analyses, gates, comparison with baselines, A/B timing."""
