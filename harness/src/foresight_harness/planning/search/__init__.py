"""A search as a plan: rungs, what each keeps, what they may cost. Pure: results in, next cells out."""
