"""What registries have under images' names now, as the engines reach them.

An engine is asked and not the registry itself: the engine is who will pull. Its mirrors, proxies,
authorities and insecure registries count, and its network, which needn't be the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from nap_compose.border import Digest, DigestRequest
from nap_compose.cluster.engine import Engine, EngineAway, EngineError, Engines
from nap_compose.errors import Away

AT_ONCE = 8


def ask_registries(
    engines: Engines,
    request: DigestRequest,
    kept: Mapping[str, Mapping[str, str]],
) -> Mapping[str, Digest]:
    """A digest or a problem for each image; with the logins that the request brings, or else those
    that are `kept`. Raises Away where no engine answers."""
    if not request.images:
        return {}
    engine = first_that_answers(engines)

    def ask(image: str) -> Digest:
        try:
            registry = image.partition("/")[0]
            login = request.logins.get(registry) or kept.get(registry)
            return Digest(engine.registry_digest(image, auth=login))
        except EngineError as error:
            return Digest(problem=error.message)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(request.images, pool.map(ask, request.images), strict=True))


def first_that_answers(engines: Engines) -> Engine:
    """The first host's engine that is there. Raises Away."""
    problems = []
    for name in engines.names:
        engine = engines.on(name)
        try:
            engine.version()
        except EngineAway as away:
            problems.append(str(away))
        else:
            return engine
    raise Away(
        f"there is no engine to ask the registries: {'; '.join(problems)}",
        hint="DOCKER_HOST names an engine, a cluster file a whole cluster",
    )
