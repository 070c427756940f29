"""What cells cost: measured, guessed, predicted, limited. Imports no torch."""
