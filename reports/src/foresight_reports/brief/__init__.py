"""What keeps a page short: names without what they share, five conclusions, what is left out, and pairs on demand."""
