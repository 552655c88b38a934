"""Lock files: what they name, and for which machine. Judging it is left to others."""
