"""What the Colloquy services share: the contract they speak, the bus they speak it over, the feed they follow."""

__version__ = "0.1.0"
