"""What people see in a run's pictures: blind pairs, answers of several raters, and what they agree on."""
