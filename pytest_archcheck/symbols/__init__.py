"""Will every symbol that a Mach-O image needs be found? Read from symbol tables and export tries, never by loading."""
