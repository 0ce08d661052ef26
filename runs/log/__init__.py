"""A run on disk: its front page and tables, how they are written, read and proved."""
