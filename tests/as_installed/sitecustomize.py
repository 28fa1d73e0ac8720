"""On the path of the apps that tests start. The tests' own tools bring uvicorn's extras, which requirements.txt lacks:
without this, web would run on another event loop and another HTTP parser than everywhere else."""

import sys

for extra in ("uvloop", "httptools"):
    sys.modules[extra] = None  # type: ignore[assignment]
