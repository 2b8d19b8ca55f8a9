import openai
import pytest
from server import DEMO_PICTURES, DEMO_TEXTS, running_server


@pytest.fixture(scope="session")
def server():
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def client(server):
    return openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="session")
def model(client):
    return client.models.list().data[0].id


@pytest.fixture(scope="session")
def pictures():
    """A server with both demo models."""
    with running_server(load=(DEMO_TEXTS, DEMO_PICTURES)) as running:
        yield running
