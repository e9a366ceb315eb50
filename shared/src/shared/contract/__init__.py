"""Every subject, stream and message of Colloquy. Nothing here imports anything but pydantic and itself."""
