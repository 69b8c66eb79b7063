"""Where the gateway is."""

from bot.harness.api import Route
from bot.harness.call import Call
from bot.harness.model import JsonObject


async def get_gateway(call: Call) -> JsonObject:
    return {"url": call.gateway_url}


async def get_gateway_bot(call: Call) -> JsonObject:
    limit = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
    return {"url": call.gateway_url, "shards": 1, "session_start_limit": limit}


ROUTES = [
    Route("GET", "/gateway", get_gateway, open=True),
    Route("GET", "/gateway/bot", get_gateway_bot),
]
