"""`python -m bot` is `understudy`."""

import sys

from bot.cli import main

sys.exit(main())
