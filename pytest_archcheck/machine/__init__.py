"""The machines: this one (host), the one that is meant (target), and those that wheel tags promise.

In come the system's own answers, or a platform tag; out go frozen values.
Looks at no environment.
"""
