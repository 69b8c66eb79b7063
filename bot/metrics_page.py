"""The metrics page: `/metrics` in Prometheus's formats, for whoever watches the bot.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.aiohttp import make_aiohttp_handler
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from yarl import URL

from bot.agent.metrics import Metric

PATH = "/metrics"
CLOSING_SECONDS = 1.0

Source = Callable[[], Iterable[Metric]]
"""Asked each time that somebody looks; returns at once."""


@asynccontextmanager
async def metrics_page(host: str, port: int, sources: Sequence[Source]) -> AsyncIterator[str]:
    """Serve the page while the block runs; its address. Raises OSError where it cannot be."""
    registry = CollectorRegistry()
    registry.register(Sources(sources))
    # Memory, CPU and open files; only where there is a /proc.
    ProcessCollector(registry=registry)
    whole = make_aiohttp_handler(registry)

    async def page(request: web.Request) -> web.StreamResponse:
        # Asked for some names alone (`?name[]=`), the library would give none: which there are it
        # learns only by asking for the numbers.
        return await whole(request.clone(rel_url=request.rel_url.with_query(None)))

    app = web.Application()
    app.router.add_get(PATH, page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSING_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        yield str(URL.build(scheme="http", host=host, port=bound, path=PATH))
    finally:
        await runner.cleanup()


class Sources(Collector):
    """All numbers of some sources, as Prometheus's client library wants them."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """One family for each name."""
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for source in self._sources:
            for metric in source():
                if metric.name not in families:
                    families[metric.name] = family_of(metric)
                families[metric.name].add_metric(list(metric.labels.values()), metric.value)
        yield from families.values()


def family_of(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    """An empty family for a metric's name."""
    family = CounterMetricFamily if metric.counter else GaugeMetricFamily
    return family(metric.name, metric.about, labels=list(metric.labels))
