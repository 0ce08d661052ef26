"""The words all rooms share: columns, seams, units, random streams, messages and errors."""
