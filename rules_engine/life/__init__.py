"""The life of a policy: what is tested, proven, compared, approved, put in force, followed and undone."""
