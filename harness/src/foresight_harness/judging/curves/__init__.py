"""`foresight-bench curve`: one number over training size, side or adapter size, from several runs. Imports no torch."""
