"""How each port is made real."""
