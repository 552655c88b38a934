"""What the dynamic loader would do with what was read: which file every linked library resolves to, and by which symbols."""
