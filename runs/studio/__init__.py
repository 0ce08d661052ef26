"""The studio: a simulation, or a logged run, as a page in the browser."""
