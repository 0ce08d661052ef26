"""The stages of an hour, which `runs/hour.py` puts in their order."""
