"""Judge, the order of it: from one input to its checks.

In comes what a path holds (an environment, a wheel, a lock file) and a target; out go checks with their findings.
Gathers the facts that rules need and asks them; words no finding itself.
"""
