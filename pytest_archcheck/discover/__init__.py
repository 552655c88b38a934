"""Discover: environments and wheels, the distributions in them, and who owns which file.

In comes a path, or nothing for the running environment; out goes an :class:`~.model.Environment` with every compiled file read.
Imports and runs nothing that it finds; follows metadata and folders, and judges neither.
"""
