"""Runs models and publishes their answers, token by token."""
