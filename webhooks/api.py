"""`/v1/webhook-endpoints` and `/v1/webhook-deliveries`."""

from __future__ import annotations

from datetime import timedelta

from core.api.endpoint import Answer, Call, operation
from core.api.endpoint import Endpoint as Address
from core.api.endpoint import etag as etag_of
from core.api.lists import paginate
from organizations import selectors as organizations
from webhooks import selectors, services
from webhooks.models import Delivery, Endpoint
from webhooks.shapes import (
    CreatedEndpointShape,
    DeliveryDetailShape,
    DeliveryQuery,
    DeliveryShape,
    EndpointBody,
    EndpointPatch,
    EndpointQuery,
    EndpointShape,
    RecoveryShape,
    SigningSecretRotationBody,
    SinceBody,
    SuspensionBody,
    TestShape,
    event_reference,
)

TAGS = ("webhooks",)
READ, WRITE = "webhooks:read", "webhooks:write"


class Endpoints(Address):
    @operation(
        scope=READ,
        query=EndpointQuery,
        answer=EndpointShape,
        many=True,
        summary="List webhook endpoints",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, selectors.endpoints(), EndpointShape)

    @operation(
        scope=WRITE,
        body=EndpointBody,
        answer=CreatedEndpointShape,
        status=201,
        secrets=("secret",),
        summary="Register a webhook endpoint; its secret is shown this once",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        values = dict(call.body)
        organization_id = values.pop("organization_id", None)
        organization = organizations.organization(organization_id) if organization_id else None
        made = services.create_endpoint(actor=call.caller, organization=organization, **values)
        shown = call.shape(CreatedEndpointShape, made.endpoint, secret=made.secret)
        return Answer(shown, etag=etag_of(made.endpoint))


class InEndpoint(Address):
    """Base of addresses beneath one endpoint."""

    ids_in_path = {"endpoint": Endpoint.PREFIX}

    @staticmethod
    def endpoint(call: Call) -> Endpoint:
        return selectors.endpoint(call.path["endpoint"])

    @staticmethod
    def shown(call: Call, endpoint: Endpoint) -> Answer:
        return Answer(call.shape(EndpointShape, endpoint), etag=etag_of(endpoint))


class OneEndpoint(InEndpoint):
    @operation(scope=READ, answer=EndpointShape, summary="Read a webhook endpoint", tags=TAGS)
    def get(self, call: Call) -> Answer:
        return self.shown(call, self.endpoint(call))

    @operation(
        scope=WRITE, body=EndpointPatch, answer=EndpointShape, summary="Change a webhook endpoint", tags=TAGS
    )
    def patch(self, call: Call) -> Answer:
        endpoint = self.endpoint(call)
        call.check_match(etag_of(endpoint))
        changed = services.update_endpoint(actor=call.caller, endpoint=endpoint, **call.changes(endpoint))
        return self.shown(call, changed)

    @operation(scope=WRITE, status=204, summary="Delete a webhook endpoint", tags=TAGS)
    def delete(self, call: Call) -> None:
        endpoint = self.endpoint(call)
        call.check_match(etag_of(endpoint))
        services.delete_endpoint(actor=call.caller, endpoint=endpoint)


class SecretRotation(InEndpoint):
    @operation(
        scope=WRITE,
        body=SigningSecretRotationBody,
        answer=CreatedEndpointShape,
        status=201,
        secrets=("secret",),
        summary="Make a new signing secret; the old one signs beside it for a grace period",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        endpoint = self.endpoint(call)
        grace = timedelta(seconds=call.body["grace_seconds"])
        secret = services.rotate_secret(actor=call.caller, endpoint=endpoint, grace=grace)
        return Answer(call.shape(CreatedEndpointShape, self.endpoint(call), secret=secret))


class Suspension(InEndpoint):
    @operation(
        scope=WRITE,
        body=SuspensionBody,
        answer=EndpointShape,
        summary="Pause an endpoint: its messages wait and spend no attempts",
        tags=TAGS,
    )
    def put(self, call: Call) -> Answer:
        reason = call.body.get("reason", "")
        endpoint = services.pause_endpoint(actor=call.caller, endpoint=self.endpoint(call), reason=reason)
        return self.shown(call, endpoint)

    @operation(scope=WRITE, status=204, summary="Resume a paused endpoint", tags=TAGS)
    def delete(self, call: Call) -> None:
        services.resume_endpoint(actor=call.caller, endpoint=self.endpoint(call))


class Activation(InEndpoint):
    @operation(
        scope=WRITE,
        answer=EndpointShape,
        summary="Enable an endpoint that was disabled, with a clean record",
        tags=TAGS,
    )
    def put(self, call: Call) -> Answer:
        return self.shown(call, services.enable_endpoint(actor=call.caller, endpoint=self.endpoint(call)))


class Test(InEndpoint):
    @operation(
        scope=WRITE,
        answer=TestShape,
        status=202,
        idempotency="required",
        summary="Send a test message, flagged as such, to this endpoint alone",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        event = services.send_test(actor=call.caller, endpoint=self.endpoint(call))
        return Answer(event_reference(event.id))


class Recovery(InEndpoint):
    @operation(
        scope=WRITE,
        body=SinceBody,
        answer=RecoveryShape,
        status=202,
        idempotency="required",
        summary="Queue what failed for good since a moment again",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        count = services.recover_failed(actor=call.caller, endpoint=self.endpoint(call), **call.body)
        return Answer({"object": "webhook_recovery", "deliveries": count})


class Replay(InEndpoint):
    @operation(
        scope=WRITE,
        body=SinceBody,
        answer=EndpointShape,
        status=202,
        idempotency="required",
        summary="Send every matching event since a moment again, marked webhook-replay",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        endpoint = self.endpoint(call)
        services.replay(actor=call.caller, endpoint=endpoint, **call.body)
        return self.shown(call, endpoint)


class Deliveries(InEndpoint):
    @operation(
        scope=READ,
        query=DeliveryQuery,
        answer=DeliveryShape,
        many=True,
        summary="List an endpoint's deliveries",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, selectors.deliveries(self.endpoint(call)), DeliveryShape)


class InDelivery(Address):
    """Base of addresses beneath one delivery."""

    ids_in_path = {"delivery": Delivery.PREFIX}

    @staticmethod
    def shown(call: Call, delivery: Delivery) -> Answer:
        attempts = selectors.attempts(delivery)
        shown = call.shape(DeliveryDetailShape, delivery, attempts=attempts)
        return Answer(shown, etag=etag_of(delivery))


class OneDelivery(InDelivery):
    @operation(scope=READ, answer=DeliveryDetailShape, summary="Read a delivery with its attempts", tags=TAGS)
    def get(self, call: Call) -> Answer:
        return self.shown(call, selectors.delivery(call.path["delivery"]))


class Redelivery(InDelivery):
    @operation(
        scope=WRITE,
        answer=DeliveryDetailShape,
        status=202,
        summary="Send a delivery again under the same webhook-id",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        delivery = selectors.delivery(call.path["delivery"])
        return self.shown(call, services.resend(actor=call.caller, delivery=delivery))


class Cancellation(InDelivery):
    @operation(
        scope=WRITE,
        answer=DeliveryDetailShape,
        summary="Skip a waiting delivery, so that a strict endpoint goes on",
        tags=TAGS,
    )
    def put(self, call: Call) -> Answer:
        delivery = selectors.delivery(call.path["delivery"])
        return self.shown(call, services.skip(actor=call.caller, delivery=delivery))
