"""Built-in parts between encoder and decoder. Specs are in ``specs``; nothing is imported here, so that plans stay
free of torch."""
