"""What a run folder says, held against itself: manifest, records, samples, media, seal. Imports no torch."""
