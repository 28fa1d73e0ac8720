"""`python -m tests.processes.connecting`: tests the connection to openai, as the Settings page does."""

from core.calls import connection_test
from core.environment import get_settings
from core.errors import ProviderError
from core.runtime.logs import configure_logs
from core.settings import credentials

if __name__ == "__main__":
    configure_logs(get_settings())
    try:
        connection_test.models(credentials.of("openai"))
    except ProviderError as error:
        print("refused:", error.message)
