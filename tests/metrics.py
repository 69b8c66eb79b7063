"""Looking at a metrics page as Prometheus does."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

Numbers = dict[str, float]
"""By name, with its label's value behind it in brackets where there is one."""


async def scraped(address: str) -> Numbers:
    """All of the bot's own numbers."""
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        assert response.status == 200
        text = await response.text()
    return {
        "".join([sample.name, *(f"[{value}]" for value in sample.labels.values())]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("understudy_")
    }
