"""`python -m softmax_lab` is the command `softmax-lab`."""

import sys

from softmax_lab.cli import main

if __name__ == "__main__":
    sys.exit(main())
