"""What is typed: the commands, their help, their completion."""
