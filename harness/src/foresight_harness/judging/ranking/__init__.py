"""Which candidates can be the best, each against each; floors, twins and ceilings are families of their own."""
