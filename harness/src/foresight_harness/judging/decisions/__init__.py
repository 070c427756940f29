"""Decisions: what each proposal's own decision tree says of the measured gates. Imports no torch until it plans."""
