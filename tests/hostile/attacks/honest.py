"""What an honest model does: read, compute, write, also with the means that the filter of system calls leaves it."""

import hashlib
import multiprocessing
import os
import socket
import subprocess
import tempfile
import threading
from multiprocessing import shared_memory

from common import succeed


def square(number):
    return number * number


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert sum(pool.map(square, range(100))) == 328350
    block = shared_memory.SharedMemory(create=True, size=1000)
    block.close()
    block.unlink()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    thread = threading.Thread(target=hashlib.sha256, args=(b"x" * 1000,))
    thread.start()
    thread.join()
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    assert subprocess.run(["ls", "/input"], check=True, capture_output=True).stdout
    assert os.path.exists("/input/patients.csv")
    succeed()
