"""The command line `rules-engine`: reads files, asks the library, prints the answer. Nothing imports it."""
