"""What the files of a checkpoint hold: which are its weights, their headers, names and configurations."""
