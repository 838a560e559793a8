"""The command line: app is the command, every command of it a module."""
