"""Nets to look at: as figures, as a table, as a picture."""
