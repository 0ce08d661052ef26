"""A scenario or a run hour by hour in the terminal."""
