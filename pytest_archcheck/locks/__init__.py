"""Lock files: what they name, and for which machine.

In comes a lock file; out goes a :class:`~.model.Lock`: packages, with the wheels that are recorded for each.
Resolves nothing anew, asks no index, and leaves the verdict to the rules.
"""
