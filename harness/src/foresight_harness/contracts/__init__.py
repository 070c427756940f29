"""What parts, plugins and readers agree on: hooks, specs, protocols, token grids, outcomes, errors."""
