"""Read: what compiled files say about themselves."""
