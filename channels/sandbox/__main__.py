"""`python -m channels.sandbox`: runs the sandbox provider until it is told to stop."""

from channels.sandbox.app import main

if __name__ == "__main__":
    main()
