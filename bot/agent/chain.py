"""What stands around one runtime's `use_model`: registered, folded when it changes, removable."""

from collections.abc import Callable

from bot.agent.middleware import ModelHook, ModelMiddleware, tell, wrap
from bot.agent.models import UseModel


class Registration:
    """One layer's place around a runtime's `use_model`, until it is removed."""

    __slots__ = ("_chain", "layer", "owner")

    def __init__(
        self, chain: "ModelChain", owner: str, layer: Callable[[UseModel], UseModel]
    ) -> None:
        self._chain = chain
        self.owner = owner
        self.layer = layer

    def remove(self) -> None:
        """Take the layer out. Safe in any order, at any time, more than once."""
        self._chain.discard(self)


class ModelChain:
    """The layers of one runtime; the last one added is outermost, hooks outside all middleware.

    `on_change` is told the newly folded call each time the chain changes, and only then; without
    any layer that is the original itself. A call in flight keeps the chain it started with.
    """

    __slots__ = ("_hooks", "_middlewares", "_on_change", "_original")

    def __init__(self, original: UseModel, on_change: Callable[[UseModel], None]) -> None:
        self._original = original
        self._on_change = on_change
        self._middlewares: tuple[Registration, ...] = ()
        self._hooks: tuple[Registration, ...] = ()

    def add_middleware(self, owner: str, middleware: ModelMiddleware) -> Registration:
        """Put `middleware` of the plugin `owner` around all middleware that is there."""
        registration = Registration(self, owner, lambda inner: wrap(middleware, inner))
        self._set((*self._middlewares, registration), self._hooks)
        return registration

    def add_hook(self, owner: str, hook: ModelHook) -> Registration:
        """Tell `hook` of the plugin `owner` of each call, when it is over."""
        registration = Registration(self, owner, lambda inner: tell(hook, inner))
        self._set(self._middlewares, (*self._hooks, registration))
        return registration

    def discard(self, registration: Registration) -> None:
        """Take one out; nothing happens when it is not there."""
        self._keep(lambda other: other is not registration)

    def discard_owner(self, owner: str) -> None:
        """Take out all that a plugin added."""
        self._keep(lambda other: other.owner != owner)

    def _keep(self, wanted: Callable[[Registration], bool]) -> None:
        middlewares = tuple(filter(wanted, self._middlewares))
        hooks = tuple(filter(wanted, self._hooks))
        if (middlewares, hooks) != (self._middlewares, self._hooks):
            self._set(middlewares, hooks)

    def _set(self, middlewares: tuple[Registration, ...], hooks: tuple[Registration, ...]) -> None:
        self._middlewares = middlewares
        self._hooks = hooks
        use_model = self._original
        for registration in (*middlewares, *hooks):
            use_model = registration.layer(use_model)
        self._on_change(use_model)
