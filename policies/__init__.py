"""The packaged policies, `NAME/VERSION.yaml`, found through importlib.resources as `rules_engine_policies`."""
