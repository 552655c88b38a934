"""What dyld and ld.so would do with what was read: links, symbols, signatures, TensorFlow's plugin loader.

In come an environment's binaries and a target; out go facts: which link leads nowhere, which symbol nobody offers.
Loads nothing, and says neither how bad a fact is nor what mends it: that is for the rules.
"""
