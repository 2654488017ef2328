"""Options, profiles and hooks live in the plugin."""

pytest_plugins = ["conformance.plugin"]
