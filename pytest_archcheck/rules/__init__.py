"""Rules: facts in, findings out; one module a group.

In come frozen values of the rooms below; out go findings, each with rule, severity, message and remedy.
Opens no file, runs nothing, and remembers nothing.
"""
