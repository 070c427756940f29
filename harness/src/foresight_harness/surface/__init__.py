"""Where people and programs meet the harness: command, pytest plugin, Python calls, templates, conformance kits."""
