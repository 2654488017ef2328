"""``python -m conformance.readme``: README.md and docs, made anew."""

from __future__ import annotations

import sys

from conformance.docs_build.pages import main

if __name__ == "__main__":
    sys.exit(main())
