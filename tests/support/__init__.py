"""Builders of binaries and site-packages folders, from the standard library alone."""
