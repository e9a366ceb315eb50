"""The workflows that people need: each is a definition over the ports of `jobs.ports`."""
