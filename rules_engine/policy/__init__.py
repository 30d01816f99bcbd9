"""From the text of a policy to a compiled one: reader, schema, checks, compilation and the life of versions."""
