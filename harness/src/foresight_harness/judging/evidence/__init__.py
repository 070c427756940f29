"""Evidence: honest intervals of what gates read, what twins score beside it, and what is missing. Imports no torch."""
