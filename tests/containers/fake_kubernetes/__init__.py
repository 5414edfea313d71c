"""
A Kubernetes API server for tests, with one node whose containers are processes of this machine.

It speaks the few calls that the engine makes, over HTTP and WebSocket, to the unmodified client. Manifests are checked
against Kubernetes' own schemas and against the rules of its validation that schemas cannot say; what it stores is
defaulted as the real server does. What it cannot play (memory limits, lost nodes, failing pulls) tests order from it.
"""

from fake_kubernetes.server import FakeKubernetes

__all__ = ["FakeKubernetes"]
