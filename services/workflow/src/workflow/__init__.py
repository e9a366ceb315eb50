"""Durable workflows: functions that survive any crash, on the message log and nothing else."""
