"""Speech to text. For now it answers `$SRV.PING` and nothing else."""
