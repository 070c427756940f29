"""Carrying out a search: its rungs as runs in the folder of the run that they lead to."""
