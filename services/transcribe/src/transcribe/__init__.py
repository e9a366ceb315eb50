"""Speech to text, in jobs and while it is spoken, and text to speech."""
