"""The store: signed statements in one log, what follows from them, and an engine that follows it."""
