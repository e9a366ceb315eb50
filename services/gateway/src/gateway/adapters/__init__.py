"""How the gateway's ports are made real."""
