"""A fake Docker engine over a real socket, for tests of whatever talks to engines.

    with FakeEngine() as engine:
        engine.add_image("redis:7")
        engine.behave("shop-db-*", Behaviour(healthy_after=0.2))
        engine.fault("POST", r"/containers/.*/start", status=500, times=1)
        …                                # DOCKER_HOST=engine.endpoint, or engine.host()
        assert engine.calls("POST", "/containers/create")

It keeps state as a real one does, in memory, and starts no process: what runs in a container is
told with `behave`, and what its commands do with `programs` (see `session_routes`). What a build
makes is told by what was sent. Not there: restart policies, swarm services.
"""

from tests.engine.fake_engine.engine import FakeCluster, FakeEngine, fake_cluster
from tests.engine.fake_engine.faults import EngineFault, Fault, Recorded
from tests.engine.fake_engine.overlay import Overlay, Registry
from tests.engine.fake_engine.session_routes import DETACHED, Process
from tests.engine.fake_engine.things import Behaviour, Container, Image, Network, Volume

__all__ = [
    "DETACHED",
    "Behaviour",
    "Container",
    "EngineFault",
    "FakeCluster",
    "FakeEngine",
    "Fault",
    "Image",
    "Network",
    "Overlay",
    "Process",
    "Recorded",
    "Registry",
    "Volume",
    "fake_cluster",
]
