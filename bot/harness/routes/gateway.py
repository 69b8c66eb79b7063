"""Where the gateway is."""

import math

from bot.harness.api import Route
from bot.harness.call import Call
from bot.harness.model import JsonObject

_GUILDS_A_SHARD = 1000


async def get_gateway(call: Call) -> JsonObject:
    return {"url": call.gateway_url}


async def get_gateway_bot(call: Call) -> JsonObject:
    guilds = len(call.world.guilds_of(call.user.id))
    return {
        "url": call.gateway_url,
        "shards": max(1, math.ceil(guilds / _GUILDS_A_SHARD)),
        "session_start_limit": call.limits.session_starts(call.user.id),
    }


ROUTES = [
    Route("GET", "/gateway", get_gateway, open=True),
    Route("GET", "/gateway/bot", get_gateway_bot),
]
