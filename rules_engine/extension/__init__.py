"""What a plugin may supply, and the registry that loads it."""
