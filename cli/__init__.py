"""The ``rempart`` command: arguments in, packages called."""
