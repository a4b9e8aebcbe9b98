"""One use case a module. Services speak to the outside through the protocols in `ports`."""
