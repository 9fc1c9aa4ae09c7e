"""The command line: parse, call, print. Only here is click known."""
