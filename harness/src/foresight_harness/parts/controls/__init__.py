"""Controls: encoders whose right answer is known, offered through the same hook as every other encoder."""
