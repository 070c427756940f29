"""What plugins of vision-language models share; importing this imports nothing."""
