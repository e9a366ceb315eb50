"""What the tests of the whole system share: a running Colloquy, and a client that folds what it reads."""
