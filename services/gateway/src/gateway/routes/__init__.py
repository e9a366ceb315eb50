"""One module for each noun that clients may name."""
