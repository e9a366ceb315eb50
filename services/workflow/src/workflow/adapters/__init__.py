"""How the ports are made real."""
