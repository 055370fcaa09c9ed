"""The commands. Each has its own module, imported only when it runs."""
