"""What people say to switch custom reasoning on or off, or to ask about it."""

from bot.agent.intents import Intent, Kind

NAMES = (
    # English, as it is also said in other languages
    "custom reasoning", "customized reasoning", "customised reasoning", "custom reasonings",
    "custom reasoner", "customreasoning", "custom ai reasoning",
    "custom reasoning ai", "personalized reasoning", "personalised reasoning",
    "fine-tuned reasoning", "fine tuned reasoning", "finetuned reasoning",
    "reasoning override", "custom reasoning override", "custom llm reasoning",
    # German
    "eigenes reasoning", "eigene reasoning", "eigenen reasoning", "eigener reasoning",
    "eigenem reasoning", "benutzerdefiniertes reasoning", "benutzerdefinierte reasoning",
    "angepasstes reasoning", "angepasste reasoning", "individuelles reasoning",
    "individuelle reasoning",
    # French
    "raisonnement personnalisé", "raisonnement sur mesure", "raisonnement custom",
    "reasoning personnalisé",
    # Spanish
    "razonamiento personalizado", "razonamiento a medida", "razonamiento propio",
    "razonamiento custom", "reasoning personalizado",
    # Portuguese
    "raciocínio personalizado", "raciocínio customizado", "raciocínio próprio",
    "raciocínio custom",
    # Japanese
    "カスタム推論", "カスタムリーズニング", "独自推論", "独自の推論", "カスタムの推論",
)  # fmt: skip
VAGUE_NAMES = (
    "reasoning", "reasoner", "raisonnement", "razonamiento", "raciocínio", "推論", "リーズニング",
)  # fmt: skip
POSSIBLE_NAMES = (
    "custom model", "custom models", "fine-tuned model", "fine tuned model", "finetuned model",
)  # fmt: skip
ORIGINALS = (
    "original model", "default model", "normal model", "base model", "standard model",
    "regular model", "usual model", "stock model", "original models", "default models",
    "normal reasoning", "default reasoning", "standard reasoning", "original reasoning",
    "regular reasoning", "built-in reasoning", "stock reasoning",
)  # fmt: skip


def _intent(
    kind: Kind, state: str | None, label: str, examples: dict[str, tuple[str, ...]]
) -> Intent:
    return Intent(
        about=NAMES,
        vaguely=VAGUE_NAMES,
        perhaps=POSSIBLE_NAMES,
        instead_of=ORIGINALS,
        kind=kind,
        state=state,
        label=label,
        examples=examples,
    )


INTENTS = {
    "ENABLE_REASONING_SERVICE": _intent(
        Kind.COMMAND,
        "on",
        "enable",
        {
            "en": (
                "enable custom reasoning",
                "activate custom reasoning",
                "start custom reasoning",
                "turn on reasoning",
            ),
            "de": ("schalte custom reasoning ein",),
            "fr": ("active le raisonnement personnalisé",),
            "es": ("activa el razonamiento personalizado",),
            "pt": ("ative o raciocínio personalizado",),
            "ja": ("カスタム推論を有効にして",),
        },
    ),
    "DISABLE_REASONING_SERVICE": _intent(
        Kind.COMMAND,
        "off",
        "disable",
        {
            "en": (
                "disable custom reasoning",
                "deactivate custom reasoning",
                "stop custom reasoning",
                "turn off reasoning",
            ),
            "de": ("schalte custom reasoning aus",),
            "fr": ("désactive le raisonnement personnalisé",),
            "es": ("desactiva el razonamiento personalizado",),
            "pt": ("desative o raciocínio personalizado",),
            "ja": ("カスタム推論を無効にして",),
        },
    ),
    "CHECK_REASONING_STATUS": _intent(
        Kind.QUESTION,
        None,
        "status",
        {
            "en": (
                "check reasoning status",
                "reasoning status",
                "custom reasoning status",
                "check reasoning",
            ),
            "de": ("ist custom reasoning an?",),
            "fr": ("est-ce que le raisonnement personnalisé est activé ?",),
            "es": ("¿está activado el razonamiento personalizado?",),
            "pt": ("o raciocínio personalizado está ativado?",),
            "ja": ("カスタム推論は有効ですか？",),
        },
    ),
}
