"""Plain rules and values. Standard library only; nothing here reads a clock, a file or a socket."""
