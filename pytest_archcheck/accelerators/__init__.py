"""Does the accelerator really compute? Frameworks are imported in a child process only, and asked for a correct product."""
