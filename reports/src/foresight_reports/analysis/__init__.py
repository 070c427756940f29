"""What the harness concluded: one module for each kind of ``analysis/<kind>.json``, and a plain table for any other."""
