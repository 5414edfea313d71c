"""Everything that could be reached from a container that has a network, and from one that has its host's."""

import array
import fcntl
import os
import socket
import struct

from common import outcome_of, succeed

HOST_PORT = int(os.environ["HOST_PORT"])


def connect(host, port, family=socket.AF_INET):
    with socket.socket(family) as connection:
        connection.settimeout(2)
        connection.connect((host, port))


def send(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        datagram.sendto(b"x", (host, port))


def abstract(name):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"\0{name}")


def interface_up():
    with socket.socket() as control:
        fcntl.ioctl(control, 0x8914, array.array("B", struct.pack("16sH14x", b"eth0", 1)))


found = {
    "loopback service of the host": outcome_of(lambda: connect("127.0.0.1", HOST_PORT)),
    "the same by IPv6": outcome_of(lambda: connect("::1", HOST_PORT, socket.AF_INET6)),
    "address of the host": outcome_of(lambda: connect(os.environ["HOST_ADDRESS"], HOST_PORT)),
    "service of a neighbour": outcome_of(lambda: connect("127.0.0.1", 4444)),
    "abstract socket of a neighbour": outcome_of(lambda: abstract("victim")),
    "metadata service": outcome_of(lambda: connect("169.254.169.254", 80)),
    "metadata service by IPv6": outcome_of(lambda: connect("fd00:ec2::254", 80, socket.AF_INET6)),
    "bridge of Docker": outcome_of(lambda: connect("172.17.0.1", 2375)),
    "a private network": outcome_of(lambda: connect("10.0.0.1", 443)),
    "the internet": outcome_of(lambda: connect("192.0.2.1", 443)),
    "a name server": outcome_of(lambda: send("192.0.2.53", 53)),
    "broadcast": outcome_of(lambda: send("255.255.255.255", 67)),
    "multicast": outcome_of(lambda: send("239.255.255.250", 1900)),
    "a name": outcome_of(lambda: socket.getaddrinfo("example.org", 443)),
    "an interface": outcome_of(interface_up),
}
interfaces = sorted(os.listdir("/sys/class/net"))
with open("/proc/net/route") as routes:
    succeed(**found, interfaces=interfaces, routes=len(routes.readlines()) - 1)
