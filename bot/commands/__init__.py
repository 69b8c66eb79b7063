"""The console commands, one module each: `add_parser` describes it, `run` does it."""
