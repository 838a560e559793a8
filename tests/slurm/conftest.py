"""Tests in a batch system: `make test-slurm` runs them, which an environment variable tells."""

import os

collect_ignore_glob = [] if os.environ.get("FORCESMITH_SLURM") else ["*"]
