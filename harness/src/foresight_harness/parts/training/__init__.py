"""A fixed recipe carried out: optimiser, schedule, losses, convergence."""
