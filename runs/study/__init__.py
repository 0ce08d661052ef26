"""Studies: scenarios over seeds and settings, compared with each other and with what was published."""
