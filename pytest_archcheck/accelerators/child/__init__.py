"""What runs in the child process: standard library only, apart from the framework under test.

The parent loads this package by its path, under the name ``archcheck_child``, so that nothing of pytest or of pytest-archcheck
needs to be importable there. Modules that drive one framework are *adapters*: see :mod:`.adapter`.
"""
