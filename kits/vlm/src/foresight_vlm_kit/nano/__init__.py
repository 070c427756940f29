"""Training of nano VLMs, shared by plugins: words, captions, pictures, steps, rates, the command."""
