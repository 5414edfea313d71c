"""Tells what its container got from the image and from the host."""

import os
import sys

from common import succeed

succeed(variables=dict(os.environ), arguments=len(sys.argv), ids=[*os.getresuid(), *os.getresgid(), *os.getgroups()])
