"""What one cell may use while it is scored."""
