"""A scenario of a user's own network and meters."""
