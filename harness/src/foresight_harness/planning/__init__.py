"""What a command means before anything is computed: registry, candidates, options, recipes, the plan."""
