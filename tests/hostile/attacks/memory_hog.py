"""Memory of the kind that ``KIND`` says, 16 MiB at a time. Blunted: 2 GiB."""

import ctypes
import mmap
import os

from common import MIB, PAGE, report, succeed

MADV_PAGEOUT = 21
kind, kept = os.environ["KIND"], []
libc = ctypes.CDLL(None)


def touch(block):
    for offset in range(0, len(block), PAGE):
        block[offset] = 1


def block_of(size):
    if kind == "sysv":
        libc.shmat.restype = ctypes.c_void_p
        address = libc.shmat(libc.shmget(0, ctypes.c_size_t(size), 0o1600), None, 0)
        return (ctypes.c_ubyte * size).from_address(address)
    if kind == "memfd":
        descriptor = os.memfd_create("hog")
        os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size)
    return mmap.mmap(-1, size) if kind == "swap" else bytearray(size)


def hog():
    for number in range(128):
        kept.append(block_of(16 * MIB))
        touch(kept[-1])
        if kind == "swap":
            for one in kept:
                one.madvise(MADV_PAGEOUT)
        report(mebibytes=16 * (number + 1))


if kind == "child" and (child := os.fork()):
    os.waitpid(child, 0)
    succeed()
else:
    hog()
    succeed()
