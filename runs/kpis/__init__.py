"""Closing figures of a run, by what they are about."""
