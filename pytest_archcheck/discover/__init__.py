"""Discover: environments, distributions, and who owns which file."""
