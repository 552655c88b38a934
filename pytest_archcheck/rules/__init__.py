"""Judge: facts in, findings out. No rule opens a file."""
