"""Does the accelerator really compute? Frameworks are imported in a child process, and asked for a correct product.

In comes a :class:`~.model.Framework`; out goes an :class:`~.model.Outcome` or a :class:`~.model.Benchmark`.
No framework is ever imported in this process, and no child outlives its deadline.
"""
