"""Read: what compiled files say about themselves.

In comes a file, or a member of a wheel, as a :class:`~.source.Source` of bytes; out go frozen values (:mod:`.model`).
Reads headers, load commands and tables, never whole files; judges nothing, and knows of no environment.
"""
