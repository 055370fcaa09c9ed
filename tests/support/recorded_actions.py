"""The tables `request` and `batch` of published actions, for the requests that were recorded.

Mapping and fields of each action are read from the recorded definitions; only what stands between
payload and request is here. No tests here.
"""

from typing import Any

Table = dict[str, Any]

ALL = {"@path": "$."}
OF_SEGMENT = ["enable_batching", "batch_size", "batch_keys", "__segment_internal_sync_mode"]


def at(path: str) -> Table:
    return {"@path": f"$.{path}"}


def seconds(path: str) -> Table:
    return {"@epoch": {"value": at(path)}}


def milliseconds(path: str) -> Table:
    return {"@epoch": {"value": at(path), "unit": "milliseconds"}}


def merged(*objects: Any) -> Table:
    return {"@merge": {"direction": "right", "objects": list(objects)}}


def each(value: Any, **more: Any) -> Table:
    return {"@each": {"value": value, **more}}


def where(exists: Any, then: Any, otherwise: Any = None) -> Table:
    return {"@if": {"exists": exists, "then": then}
            | ({} if otherwise is None else {"else": otherwise})}  # fmt: skip


def number(text: Any) -> Table:
    return {"@json": {"mode": "decode", "value": text}}


def hashed(path: str, clean: str = "trim") -> Table:
    return {"@sha256": {"value": at(path), "clean": clean}}


def request(url: str, batch: Table | None = None, **more: Any) -> Table:
    return {"request": {"url": url, **more}} | ({"batch": batch} if batch else {})


def key_header(name: str, key: str) -> Table:
    return {"header": name, "key": key}


def bearer(setting: str) -> Table:
    return {"bearer": f"{{settings.{setting}}}"}


def oauth(token_url: str) -> Table:
    return {"oauth": {"token_url": token_url, "client_id": "me",
                      "client_secret": "{settings.client_secret}"}}  # fmt: skip


# --- payloads that go out nearly as they are

PLAIN: dict[str, Table] = {
    "twilio/sendSMS": request(
        "https://api.twilio.com/2010-04-01/Accounts/{settings.account_id}/Messages.json",
        auth={"basic": "{settings.account_id}:{settings.token}"},
        form={"From": "{settings.phone_number}", "To": "{payload.To}", "Body": "{payload.Body}",
              "MediaUrl": "{payload.MediaUrl}"},
    ),
    **{f"june/{kind}": request(f"https://api.june.so/api/{kind}", omit=omit,
                               auth=key_header("Authorization", "Basic {settings.api_key}"))
       for kind, omit in (("track", []), ("identify", []), ("group", []), ("page", ["messageId"]))},
    **{f"canny-functions/{kind}": request(f"https://canny.io/api/segment/{path}",
                                          auth={"basic": "{settings.api_key}:"})
       for kind, path in (("group", "group"), ("identify", "v2/identify"))},
    "loops/sendEvent": request("https://app.loops.so/api/v1/events/send", auth=bearer("api_key")),
    "loops/createOrUpdateContact": request(
        "https://app.loops.so/api/v1/contacts/update", method="PUT", auth=bearer("api_key"),
        body=merged(at("customAttributes"), each(ALL, omit=["customAttributes"]),
                    {"mailingLists": {"@literal": {}}}),
    ),
}  # fmt: skip


def userpilot(path: str, body: Table) -> Table:
    return request(f"https://analytex.userpilot.io/v1/{path}", body=body,
                   headers={"X-API-Version": "2020-09-22"},
                   auth=key_header("Authorization", "Token {settings.api_key}"))  # fmt: skip


RENAMED = each(at("traits"), rename={"createdAt": "created_at"})
USERPILOT = {
    "userpilot/identifyUser": userpilot(
        "identify", {"user_id": "{payload.userId}", "metadata": RENAMED}),
    "userpilot/identifyCompany": userpilot(
        "companies/identify", {"company_id": "{payload.groupId}", "metadata": RENAMED}),
    "userpilot/trackEvent": userpilot(
        "track", {"user_id": "{payload.userId}", "event_name": "{payload.name}",
                  "metadata": "{payload.properties}"}),
}  # fmt: skip


# --- batches of one: the body is an array, though each event has a request of its own


def launchdarkly(item: Table) -> Table:
    return request(
        "https://{settings.events_host_name}/events/bulk/{settings.client_id}",
        headers={"X-LaunchDarkly-Event-Schema": "4"},
        batch={"events": 1, "item": item | {"creationDate": milliseconds("timestamp")}},
    )


LAUNCHDARKLY = {
    "launchdarkly/aliasUser": launchdarkly({
        "kind": "alias", "key": "{payload.user_key}", "previousKey": "{payload.previous_key}",
        "contextKind": "user", "previousContextKind": "anonymousUser",
    }),
    "launchdarkly/trackEvent": launchdarkly({
        "kind": "custom", "key": "{payload.event_name}", "data": "{payload.event_properties}",
        "contextKeys": merged(at("additional_context_keys"), {"user": at("user_key")}),
        "metricValue": "{payload.metric_value}",
    }),
}  # fmt: skip


def posthog(event: str = "{payload.event_name}", **properties: Any) -> Table:
    named = {f"${name}": value for name, value in properties.items()}
    own = {"distinct_id": at("distinct_id"), "$ip": at("ip_address"),
           "$process_person_profile": at("anonymous_event_capture")}  # fmt: skip
    item = {"event": event, "timestamp": "{payload.timestamp}",
            "properties": merged(at("properties"), own | named)}  # fmt: skip
    extra = {"api_key": "{settings.api_key}",
             "historical_migration": "{settings.historical_migration}"}  # fmt: skip
    batch = {"events": 1, "under": "batch", "with": extra, "item": item}
    return request("{settings.endpoint}/batch/", batch)


POSTHOG = {
    "posthog/event#1": posthog(),
    "posthog/event#2": posthog(current_url=at("current_url")),
    "posthog/event#3": posthog("$screen", screen_name=at("screen_name")),
    "posthog/identify": request("{settings.endpoint}/i/v0/e/", body={
        "event": "$identify", "api_key": "{settings.api_key}",
        "distinct_id": "{payload.distinct_id}", "timestamp": "{payload.timestamp}",
        "properties": {"$set": "{payload.properties}", "$ip": "{payload.ip_address}"},
    }),
}  # fmt: skip


def braze(under: str, item: Table) -> Table:
    return request("{settings.endpoint}/users/track", auth=bearer("api_key"),
                   batch={"events": 1, "under": under, "item": item})  # fmt: skip


OF_PROFILES = ["first_name", "last_name", "email", "country", "gender", "phone", "firstName",
               "lastName", "avatar"]  # fmt: skip
BRAZE = {
    "braze/trackEvent": braze("events", merged(
        each(ALL, omit=OF_SEGMENT), {"app_id": {"@setting": "app_id"}})),
    "braze/updateUserProfile": braze("attributes", merged(
        each(at("custom_attributes"), omit=OF_PROFILES),
        each(ALL, omit=[*OF_SEGMENT, "custom_attributes", "gender", "current_location"]),
        {"gender": {"@case": {"operator": "upper", "value": at("gender.0")}},
         "current_location": where(at("current_location.latitude"), at("current_location"))},
    )),
    "braze/triggerCampaign": request("{settings.endpoint}/campaigns/trigger/send",
                                     auth=bearer("api_key"), omit=OF_SEGMENT),
}  # fmt: skip

# Without what follows a plus sign, and without dots before the @.
PLAIN_EMAIL = (
    "{% assign parts = user.email | downcase | split: '@' %}"
    "{{ parts[0] | split: '+' | first | remove: '.' }}@{{ parts[1] }}"
)


def reddit(kind: Table) -> Table:
    item = {
        "event_at": "{payload.event_at}", "event_type": kind, "click_id": "{payload.click_id}",
        "event_metadata": merged(at("event_metadata"), {
            "conversion_id": hashed("conversion_id"), "products": at("products")}),
        "user": {
            "email": where(at("user.email"), {"@sha256": {"value": {"@liquid": PLAIN_EMAIL}}}),
            "external_id": hashed("user.external_id"), "ip_address": hashed("user.ip_address"),
            "phone_number": hashed("user.phone_number"), "idfa": hashed("user.advertising_id"),
            "user_agent": "{payload.user.user_agent}",
            "screen_dimensions": where(at("screen_dimensions.height"), at("screen_dimensions")),
        },
    }  # fmt: skip
    return request(
        "https://ads-api.reddit.com/api/v2.0/conversions/events/{settings.ad_account_id}",
        auth=bearer("conversion_token"),
        batch={"events": 1, "under": "events", "item": item,
               "with": {"test_mode": "{settings.test_mode}", "partner": "SEGMENT"}},
    )  # fmt: skip


REDDIT = {
    "reddit-conversions-api/standardEvent": reddit({"tracking_type": "{payload.tracking_type}"}),
    "reddit-conversions-api/customEvent": reddit({
        "tracking_type": "Custom", "custom_event_name": "{payload.custom_event_name}"}),
}  # fmt: skip


# --- payloads that are wrapped


def analytics(name: Any, client: str = "client_id", *omit: str) -> Table:
    micros = {"@transform": {"apply": {"ms": milliseconds("timestamp_micros")},
                             "mapping": number({"@template": "{{ms}}000"})}}  # fmt: skip
    return request(
        "https://www.google-analytics.com/mp/collect?api_secret={settings.api_secret}"
        "&measurement_id={settings.measurement_id}",
        omit=["data_stream_type", "timestamp_micros", client, *omit],
        body={"client_id": f"{{payload.{client}}}", "timestamp_micros": micros,
              "events": [{"name": name, "params": "{payload}"}]},
    )  # fmt: skip


ANALYTICS_NAMES = {
    "addToCart": "add_to_cart", "beginCheckout": "begin_checkout", "purchase": "purchase",
    "generateLead": "generate_lead", "removeFromCart": "remove_from_cart", "viewItem": "view_item",
    "selectItem": "select_item", "selectPromotion": "select_promotion", "viewCart": "view_cart",
}  # fmt: skip
JOINED = {"@replace": {"pattern": " ", "replacement": "_", "value": at("name")}}
ANALYTICS = {
    **{f"google-analytics-4/{action}": analytics(name) for action, name in ANALYTICS_NAMES.items()},
    "google-analytics-4/pageView": analytics("page_view", "clientId"),
    "google-analytics-4/customEvent": analytics(JOINED, "clientId", "name", "lowercase"),
}


def klaviyo(path: str, kind: str, attributes: Any, more: Table | None = None) -> Table:
    return request(
        f"https://a.klaviyo.com/api/{path}/", headers={"revision": "2025-01-15"},
        auth=key_header("Authorization", "Klaviyo-API-Key {settings.api_key}"),
        omit=[*OF_SEGMENT, "override_list_id"],
        body={"data": {"type": kind, "attributes": attributes, **(more or {})}},
    )  # fmt: skip


def klaviyo_event(name: str) -> Table:
    metric = {"type": "metric", "attributes": {"name": f"{{payload.{name}}}"}}
    return klaviyo("events", "event", {
        "properties": "{payload.properties}", "time": "{payload.time}", "value": "{payload.value}",
        "unique_id": "{payload.unique_id}", "metric": {"data": metric},
        "profile": {"data": {"type": "profile", "attributes": "{payload.profile}"}},
    })  # fmt: skip


SUBSCRIBED = {"type": "profile", "attributes": {
    "email": "{payload.email}",
    "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}},
}}  # fmt: skip
KLAVIYO = {
    "klaviyo/trackEvent": klaviyo_event("metric_name"),
    "klaviyo/orderCompleted": klaviyo_event("event_name"),
    "klaviyo/upsertProfile": klaviyo("profiles", "profile", "{payload}"),
    "klaviyo/subscribeProfile": klaviyo(
        "profile-subscription-bulk-create-jobs", "profile-subscription-bulk-create-job",
        {"historical_import": False, "custom_source": "{payload.custom_source}",
         "profiles": {"data": [SUBSCRIBED]}},
        {"relationships": {"list": {"data": {"type": "list", "id": "{payload.list_id}"}}}},
    ),
}  # fmt: skip


def customerio(kind: str, action: str, path: str = "v2/entity", **more: Any) -> Table:
    return request(f"https://track.customer.io/api/{path}",
                   auth={"basic": "{settings.site_id}:{settings.api_key}"},
                   body={"type": kind, "action": action, **more})  # fmt: skip


PERSON = {"id": "{payload.person_id}"}
WHO = where(at("id"), {"id": at("id")},
            where(at("anonymous_id"), {"anonymous_id": at("anonymous_id")}))  # fmt: skip


def with_dates(path: str, **more: Any) -> Table:
    return each(at(path), dates="seconds", deep=True, **more)


def known(attributes: Table) -> Table:
    """Return attributes of a user who is known, with the id from before that."""
    return where(at("id"), merged(attributes, {"anonymous_id": at("anonymous_id")}), attributes)


def customerio_event(action: str, name: str) -> Table:
    return customerio("person", action, name=f"{{payload.{name}}}", id="{payload.event_id}",
                      attributes=known(with_dates("data")), timestamp=seconds("timestamp"),
                      identifiers=WHO)  # fmt: skip


CUSTOMERIO = {
    **{f"customerio/{name}Person": customerio("person", action, identifiers=PERSON)
       for name, action in (("delete", "delete"), ("suppress", "suppress"),
                            ("unsuppress", "unsuppress"))},
    "customerio/deleteDevice": customerio("person", "delete_device", identifiers=PERSON,
                                          device={"token": "{payload.device_id}"}),
    "customerio/createUpdateDevice": customerio(
        "person", "add_device", identifiers=PERSON,
        device={"token": "{payload.device_id}", "platform": "{payload.platform}",
                "last_used": seconds("last_used"),
                "attributes": merged(at("attributes"), {"app_version": at("app_version")})}),
    "customerio/mergePeople": customerio("person", "merge", primary={"id": "{payload.primary}"},
                                         secondary={"id": "{payload.secondary}"}),
    "customerio/deleteObject": customerio("object", "delete", identifiers=where(
        at("object_id"),
        {"object_id": at("object_id"), "object_type_id": at("object_type_id")})),
    "customerio/trackEvent": customerio_event("event", "name"),
    "customerio/trackPageView": customerio_event("page", "url"),
    "customerio/trackScreenView": customerio_event("screen", "name"),
    "customerio/reportDeliveryEvent": request(
        "https://track.customer.io/api/v1/metrics",
        auth={"basic": "{settings.site_id}:{settings.api_key}"},
        body=merged(each(ALL, omit=OF_SEGMENT), {"timestamp": seconds("timestamp")})),
    "customerio/createUpdatePerson": customerio(
        "person", "identify", timestamp=seconds("timestamp"), identifiers=WHO,
        attributes=known(merged(
            with_dates("custom_attributes", omit=["createdAt"]),
            each(ALL, only=["email", "created_at"], dates="seconds")))),
    "customerio/createUpdateObject": customerio(
        "object", "identify", created_at=seconds("created_at"),
        attributes=merged(with_dates("custom_attributes"), {"anonymous_id": at("anonymous_id")}),
        cio_relationships=[{"identifiers": where(
            at("user_id"), {"id": at("user_id")}, {"anonymous_id": at("anonymous_id")})}],
        identifiers={"object_id": "{payload.id}", "object_type_id": where(
            at("object_type_id"), at("object_type_id"), "1")}),
}  # fmt: skip

SENDGRID = {
    "sendgrid/sendEmail": request(
        "{settings.endpoint}/v3/mail/send", auth=bearer("send_grid_api_key"),
        body={
            "personalizations": [{
                "to": ["{payload.to}"], "cc": "{payload.cc}", "bcc": "{payload.bcc}",
                "headers": where(at("headers"), at("headers"), {"@literal": {}}),
                "dynamic_template_data": "{payload.dynamic_template_data}",
                "custom_args": "{payload.custom_args}",
            }],
            "from": "{payload.from}", "reply_to": merged(at("from"), at("reply_to")),
            "template_id": "{payload.template_id}", "categories": "{payload.categories}",
            "asm": where(at("group_id"), {"group_id": number(at("group_id"))}),
            "ip_pool_name": "{payload.ip_pool_name}",
        },
    ),
}  # fmt: skip

ADJUST = {
    "adjust/sendEvent": request(
        "https://s2s.adjust.com/event", headers={"Content-Type": "text/plain;charset=UTF-8"},
        body={
            "app_token": "{settings.default_app_token}", "s2s": 1,
            "event_token": "{settings.default_event_token}",
            "environment": "{settings.environment}",
            "callback_params": {"@json": {"mode": "encode", "value": ALL}},
            "created_at_unix": number({"@liquid": "{{ timestamp | date: '%s' }}"}),
        },
    ),
}  # fmt: skip


def attentive(path: str, **more: Any) -> Table:
    who = {"phone": at("userIdentifiers.phone"), "email": at("userIdentifiers.email"),
           "externalIdentifiers": where(at("userIdentifiers.clientUserId"), {
               "clientUserId": at("userIdentifiers.clientUserId")})}  # fmt: skip
    body = merged(each(ALL, omit=["userIdentifiers", "eventType", *more]), {"user": who}, more)
    return request(f"https://api.attentivemobile.com/v1/{path}", auth=bearer("api_key"), body=body)


PRICED = each(at("items"), item=merged(
    each(at("value"), omit=["value", "currency"]),
    {"price": [{"value": at("value.value"), "currency": at("value.currency")}]},
))  # fmt: skip
LOCALE = {"language": {"@liquid": "{{ locale | split: '-' | first }}"},
          "country": {"@liquid": "{{ locale | split: '-' | last }}"}}  # fmt: skip
ATTENTIVE = {
    "attentive/customEvents": attentive("events/custom"),
    "attentive/upsertUserAttributes": attentive("attributes/custom"),
    "attentive/ecommEvent": attentive("events/ecommerce/{payload.eventType}", items=PRICED),
    "attentive/subscribeUser": attentive("subscriptions", locale=where(at("locale"), LOCALE)),
}


def texts(path: str) -> Table:
    flat = {"@flatten": {"separator": ".", "value": at(path)}}
    return {"@each": {"value": flat, "as": "text"}}


HEAP_EVENT = {
    "event": where(at("event"), at("event"), {
        "@liquid": "{% if type == 'page' %}Page viewed{% else %}{{ type }}{% endif %}"}),
    "custom_properties": merged({"segment_library": "cloud-mode-destination"}, texts("properties")),
    "idempotency_key": "{payload.message_id}", "timestamp": "{payload.timestamp}",
    "user_identifier": {"anonymous_id": "{payload.anonymous_id}"},
}  # fmt: skip
HEAP = {
    "heap/trackEvent": request(
        "https://heapanalytics.com/api/integrations/track",
        batch={"events": 1, "under": "events", "item": HEAP_EVENT,
               "with": {"app_id": "{settings.app_id}", "library": "server"}}),
    "heap/identifyUser": request(
        "https://heapanalytics.com/api/add_user_properties",
        body={"app_id": "{settings.app_id}", "identity": "{payload.user_id}",
              "properties": merged({"anonymous_id": at("anonymous_id")}, texts("traits"))}),
}  # fmt: skip


def facebook(event: Any, *custom: str) -> Table:
    ids = each(
        at("user_data.externalId"), item={"@sha256": {"value": at("value"), "clean": "lower"}}
    )
    user = {
        "em": hashed("user_data.email", "lower"), "ph": hashed("user_data.phone", "digits"),
        "ln": hashed("user_data.lastName", "lower"), "fn": hashed("user_data.firstName", "lower"),
        "external_id": ids,
        "client_ip_address": "{payload.user_data.client_ip_address}",
        "client_user_agent": "{payload.user_data.client_user_agent}",
    }  # fmt: skip
    item = {
        "event_name": event, "event_time": "{payload.event_time}", "user_data": user,
        "event_source_url": "{payload.event_source_url}", "event_id": "{payload.event_id}",
        "action_source": "{payload.action_source}",
        **({"custom_data": each(ALL, only=list(custom))} if custom else {}),
    }  # fmt: skip
    return request(
        "https://graph.facebook.com/v24.0/{settings.pixel_id}/events",
        auth=bearer("system_user_token"),
        batch={"events": 1, "under": "data", "item": item,
               "with": {"test_event_code": "{settings.test_event_code}"}},
    )  # fmt: skip


BASKET = ("currency", "value", "contents", "content_ids", "search_string", "num_items")
FACEBOOK = {
    "facebook-conversions-api/search2": facebook("Search", *BASKET),
    "facebook-conversions-api/viewContent2": facebook("ViewContent", *BASKET),
    "facebook-conversions-api/initiateCheckout2": facebook("InitiateCheckout", *BASKET),
    "facebook-conversions-api/addToCart2": facebook("AddToCart", *BASKET),
    "facebook-conversions-api/purchase2": facebook("Purchase", *BASKET),
    "facebook-conversions-api/pageView2": facebook("PageView"),
    "facebook-conversions-api/custom2": facebook("{payload.event_name}", "custom_data"),
}


# --- destinations of which a part of the requests is expressed

CART = each(at("items"), item=merged(
    {"dataFields": {"@literal": {}}}, each(at("value"), omit=["categories"]),
    {"categories": where(at("value.categories"), [at("value.categories")])},
))  # fmt: skip
PHONE = {"phoneNumber": at("user.phoneNumber")}
BUYER = merged(
    each(at("user"), omit=["phoneNumber"]), {"dataFields": merged(at("user.dataFields"), PHONE)}
)


def iterable(path: str, body: Table) -> Table:
    return request(f"https://api.iterable.com/api/{path}", body=body,
                   auth=key_header("Api-Key", "{settings.api_key}"))  # fmt: skip


ITERABLE = {
    "iterable/trackEvent": iterable(
        "events/track", merged(ALL, {"createdAt": seconds("createdAt")})),
    "iterable/updateUser": iterable("users/update", merged(
        each(ALL, omit=[*OF_SEGMENT, "phoneNumber"]),
        {"dataFields": merged(at("dataFields"), {"phoneNumber": at("phoneNumber")})})),
    "iterable/updateCart": iterable("commerce/updateCart", {"user": BUYER, "items": CART}),
    "iterable/trackPurchase": iterable("commerce/trackPurchase", merged(ALL, {
        "user": BUYER, "items": CART, "createdAt": seconds("createdAt"),
        "dataFields": each(at("dataFields"), omit=["products"])})),
}  # fmt: skip

EVENT_NAME = {"@case": {"operator": "lower", "value": {"@replace": {
    "pattern": " ", "replacement": "_", "value": at("eventName")}}}}  # fmt: skip
HUBSPOT = {
    "hubspot/sendCustomBehavioralEvent": request(
        "https://api.hubapi.com/events/v3/send", body=merged(ALL, {"eventName": EVENT_NAME}),
        auth=oauth("https://api.hubapi.com/oauth/v1/token")),
}  # fmt: skip

CENTS = {"amount": number({"@liquid": "{{ revenue | times: 100 | round }}"}),
         "currency": at("currency")}  # fmt: skip
INTERCOM = {
    "intercom/trackEvent": request(
        "https://api.intercom.io/events", auth=oauth("https://api.intercom.io/auth/eagle/token"),
        body=merged(each(ALL, omit=["revenue", "currency"]), {
            "created_at": seconds("created_at"),
            "metadata": merged(each(at("metadata"), omit=["email", "revenue", "currency"]),
                               {"price": where(at("revenue"), CENTS)}),
        })),
}  # fmt: skip

# By the definition of the action, or by its name where its definitions differ in mapping only.
TABLES: dict[str, Table] = {
    **PLAIN, **USERPILOT, **LAUNCHDARKLY, **POSTHOG, **BRAZE, **REDDIT, **ANALYTICS, **KLAVIYO,
    **CUSTOMERIO, **ATTENTIVE, **SENDGRID, **ADJUST, **HEAP, **FACEBOOK, **ITERABLE,
    **HUBSPOT, **INTERCOM,
}  # fmt: skip
