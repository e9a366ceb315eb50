"""Durable workflows. For now it answers `$SRV.PING` and nothing else."""
