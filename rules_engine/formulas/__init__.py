"""All margin mathematics, each formula written once, over any number system."""
