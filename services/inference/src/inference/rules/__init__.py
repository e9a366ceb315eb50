"""The built-in commands: a grammar that understands a few hundred ways to say some things, and acts by tools. No model."""
