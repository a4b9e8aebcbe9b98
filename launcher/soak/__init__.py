"""The whole service under load while parts of it are broken on purpose; then what came to what is compared."""
