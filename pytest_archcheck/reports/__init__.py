"""Tell: findings in, text out.

In comes a :class:`~.outcome.Result`: the inspection and what became of each item; out go lines, JSON, Markdown.
Judges nothing, and lets no character of a file's text through unescaped.
"""
