"""Tests of real teachers: `make test-teachers` runs them, which an environment variable tells."""

import os

collect_ignore_glob = [] if os.environ.get("FORCESMITH_TEACHERS") else ["*"]
