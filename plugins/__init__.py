"""One capability a package; a plugin meets the others through the runtime only."""
