"""How fast, against what, on this machine."""
