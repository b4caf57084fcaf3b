"""What all tests stand on."""

import signal

# A shell that starts something in the background has it ignore Ctrl-C, and its children inherit that: tests that end a
# command by it would wait for ever.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
