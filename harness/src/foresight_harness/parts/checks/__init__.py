"""Checks that the kits of authors and the admission of a run share: how they speak, what they show, what they watch."""
