"""Whether memory behaves as if it did one thing at a time, whatever its clients see."""
