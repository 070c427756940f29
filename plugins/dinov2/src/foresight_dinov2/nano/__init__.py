"""Training of ``dinov2_nano``; nothing here is imported where it is only read."""
