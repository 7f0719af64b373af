"""The `xlretrieval` command: one module per subcommand, each importing what is heavy only when it runs."""
