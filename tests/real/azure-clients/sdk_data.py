"""Key Vault, Event Grid and Storage queues with the Azure SDK for Python, all its checks on."""

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.queue import QueueClient

from fixed_token import FixedToken
from report import Report, contains, equal, refused
from simulator import Simulator

MILLION = 1024 * 1024


def check(report: Report, simulator: Simulator) -> None:
    _secrets(report, simulator)
    credential = ClientSecretCredential(simulator.tenant, simulator.client, simulator.secret)
    _events(report, simulator, credential)
    _queue(report, simulator, credential)


def _secrets(report: Report, simulator: Simulator) -> None:
    client = SecretClient(simulator.variables["ONBOARDER_SECRET_STORE"], ManagedIdentityCredential(client_id=simulator.client))
    with report.check("SecretClient.get_secret, with the challenge's resource verified"):
        contains(client.get_secret(f"ispm-onboarder-{simulator.tenant}").value, simulator.tenant)
    with report.check("SecretClient.set_secret adds a version"):
        first = client.set_secret("made-by-sdk", "one", content_type="text/plain", tags={"a": "b"})
        second = client.set_secret("made-by-sdk", "two")
        equal((first.properties.content_type, first.properties.tags), ("text/plain", {"a": "b"}))
        equal(client.get_secret("made-by-sdk").id, second.id)
        equal(client.get_secret("made-by-sdk", first.properties.version).value, "one")
    with report.check("SecretClient.get_secret of a missing and of a disabled secret"):
        refused(ResourceNotFoundError, lambda: client.get_secret("nothing"), "SecretNotFound", 404)
        client.set_secret("disabled", "x", enabled=False)
        refused(HttpResponseError, lambda: client.get_secret("disabled"), "Forbidden", 403)
    with report.check("SecretClient refuses a name that no secret can have"):
        refused(HttpResponseError, lambda: client.set_secret("under_score", "x"), "BadParameter", 400)


def _events(report: Report, simulator: Simulator, credential: ClientSecretCredential) -> None:
    endpoint = simulator.variables["ONBOARDER_RESULTS"]
    client = EventGridPublisherClient(endpoint, credential)
    event = lambda number: CloudEvent(source="urn:sdk", type="check", data={"number": number}, id=f"sdk-{number}")
    with report.check("EventGridPublisherClient.send, one event and several"):
        client.send(event(1))
        client.send([event(2), event(3)])
        found = [result["id"] for result in simulator.get("world")["results"]]
        equal(found, ["sdk-1", "sdk-2", "sdk-3"])
    with report.check("EventGridPublisherClient.send of more than a megabyte"):
        large = CloudEvent(source="urn:sdk", type="check", data="x" * MILLION)
        equal(refused(HttpResponseError, lambda: client.send(large)).status_code, 413)
    with report.check("EventGridPublisherClient.send with a token for another audience"):
        stranger = EventGridPublisherClient(endpoint, FixedToken(credential, "https://vault.azure.net"))
        refused(ClientAuthenticationError, lambda: stranger.send(event(4)), status=401)


def _queue(report: Report, simulator: Simulator, credential: ClientSecretCredential) -> None:
    account, name = simulator.variables["ONBOARDER_QUEUE"].rsplit("/", 1)
    client = QueueClient(account, name, credential=credential)
    with report.check("QueueClient sends, receives and deletes"):
        sent = client.send_message("<text> & more", visibility_timeout=0, time_to_live=3600)
        equal(client.get_queue_properties().approximate_message_count, 1)
        [received] = client.receive_messages(visibility_timeout=30)
        equal((received.id, received.content, received.dequeue_count), (sent.id, "<text> & more", 1))
        client.delete_message(received)
        equal(client.get_queue_properties().approximate_message_count, 0)
    with report.check("QueueClient.delete_message of what is gone"):
        refused(ResourceNotFoundError, lambda: client.delete_message(received), "MessageNotFound", 404)
    with report.check("QueueClient on a missing queue, which it then creates"):
        missing = QueueClient(account, "made-by-sdk", credential=credential)
        refused(ResourceNotFoundError, lambda: missing.send_message("x"), "QueueNotFound", 404)
        missing.create_queue()
        missing.send_message("x")
        equal(missing.get_queue_properties().approximate_message_count, 1)
    with report.check("QueueClient with a token for another audience"):
        stranger = QueueClient(account, name, credential=FixedToken(credential, "https://vault.azure.net"))
        refused(ClientAuthenticationError, lambda: stranger.get_queue_properties(), status=401)
