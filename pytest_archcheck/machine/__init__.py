"""The machines: this one, the one that is meant, and those that wheel tags promise."""
