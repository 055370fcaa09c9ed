"""Mistakes in a destination file, and the message for each; no tests here."""

from typing import Any

from support.destination_file import GONE, TRACK

KEY = "{settings.api_key}"
LONELY = "has a single {; type {{ for the character {"
NOWHERE = "is not used: put {route} into request.url"
NO_HTTP = "must begin with https:// or http://, such as https://api.acme.example/v1/events"
ONE_AUTH = f'must have bearer, basic, oauth, or header and key, such as bearer = "{KEY}"'
OPEN_KEY = (
    "holds a key that everyone with the file can read: declare a secret setting, and use "
    "{settings.api_key} here"
)
ROUTED = {"request.url": "https://api.acme.example{route}", "actions.0.route": "/t"}
# What is changed, and all that is said about it.
MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    # keys
    ({"nmae": "x", "name": GONE}, ["nmae: is not a key here. Did you mean name?"]),
    ({"name": GONE}, ["name: is missing"]),
    ({"request": GONE}, ["request: is missing"]),
    ({"actions": GONE}, ["actions: is missing"]),
    ({"actions": []}, ["actions: must not be empty"]),
    ({"actions": {}}, ["actions: must be a list, not a table: in TOML each begins with "
                       "[[actions]]"]),
    ({"request.Url": 1}, ["request.Url: is not a key here. Did you mean url?"]),
    ({"limits": {"speed": 1}}, ["limits.speed: is not a key here. The keys are rate, "
                                "payload_bytes."]),
    ({"a b": 1}, ['"a b": is not a key here. The keys are $schema, name, label, about, '
                  "settings, request, batch, reply, limits, not_taken, fan_out, replay, "
                  "actions."]),
    # names and texts
    ({"name": "Acme"}, ["name: must be at most 40 small letters, digits, - and _, beginning "
                        "with a letter"]),
    ({"name": "gist"}, ["name: a destination gist already exists: choose another name"]),
    ({"name": "gist-api"}, ["name: gist-api could read the settings of gist: SEGCLI_GIST_API_… and "
                            "SEGCLI_GIST_… overlap. Choose another name"]),
    ({"label": ""}, ["label: must not be empty"]),
    ({"label": 5}, ["label: must be a text, not a whole number"]),
    ({"about": "a\nb"}, ["about: must be a text on one line"]),
    # settings
    ({"settings.api_key": "sk_live_1"}, ["settings.api_key: must be a table, not a text"]),
    ({"settings.api_key.secrt": True}, ["settings.api_key.secrt: is not a key here. Did you "
                                        "mean secret?"]),
    ({"settings.api_key.secret": "yes"}, ["settings.api_key.secret: must be true or false, not a "
                                          "text"]),
    ({"settings.ApiKey": {}}, ["settings.ApiKey: its name must be at most 40 small letters, "
                               "digits and _, beginning with a letter"]),
    ({"settings.class": {}}, ["settings.class: is a keyword of Python: choose another name"]),
    ({"settings.region": {}}, ["settings.region: is not used: write {settings.region} where "
                               "it belongs"]),
    ({"settings.label": {"secret": True}}, ["settings.label: must be a text: it is the name in "
                                            "the integrations object"]),
    ({"settings.api_key.default": "k"}, [
        "settings.api_key.required: does not go together with a default: remove one of them",
        "settings.api_key.default: is not allowed: a secret does not belong in the file",
    ]),
    ({"settings.api_key.type": "integer"}, [
        "settings.api_key.required: is for texts, addresses and secrets only: use a default",
        "settings.api_key.type: must be text or address, since the setting is secret",
    ]),
    ({"settings.api_key.type": "string"}, ["settings.api_key.type: must be text, integer, number, "
                                           "boolean, address or map"]),
    ({"settings.api_key": {"secret": True}}, ["settings.api_key: needs required = true or a "
                                              "default"]),
    ({"settings.api_key": {"required": True}}, ["settings.api_key.secret: must be true: "
                                                "request.auth uses it"]),
    ({"settings.n": {"type": "integer", "default": "5"}, "request.headers": {"N": "{settings.n}"}},
     ["settings.n.default: must be of the type integer"]),
    ({"settings.n": {"default": "a\nb"}, "request.headers": {"N": "{settings.n}"}},
     ["settings.n.default: must be printable ASCII on one line"]),
    ({"settings.endpoint": {"default": "https://x.example"}},
     ["settings.endpoint: must be the beginning of request.url: {settings.endpoint}/…"]),
    ({"settings.endpoint": {"required": True, "secret": True},
      "request.url": "{settings.endpoint}/v1"},
     ["settings.endpoint.secret: is not allowed: endpoints are shown. Choose another name, "
      "such as settings.webhook"]),
    ({"settings.hook": {"required": True}, "request.url": "{settings.hook}"},
     ['settings.hook.type: must be "address": the url begins with it']),
    # the request
    ({"request.url": "api.acme.example"}, [f"request.url: {NO_HTTP}"]),
    ({"request.url": "ftp://api.acme.example"}, [f"request.url: {NO_HTTP}"]),
    ({"request.url": "https://a b"}, ["request.url: must be an address without spaces, such as "
                                      "https://api.acme.example/v1{route}"]),
    ({"request.url": "https:///v1"}, ["request.url: must be an address such as "
                                      "https://host/path"]),
    ({"request.url": "https://u:p@acme.example"}, ["request.url: contains a user or a "
                                                   "password: use request.auth"]),
    ({"request.url": "https://acme.example/#a"}, ["request.url: must not contain a #, such as "
                                                  "https://api.acme.example/v1/events"]),
    ({"request.url": "https://acme.example/{"}, [f"request.url: {LONELY}"]),
    ({"request.url": "https://acme.example/?a={route}"},
     ["request.url: must not contain {route}: it belongs in the path of the url"]),
    ({"request.url": "https://acme.example/{setings.api_key}"},
     ["request.url: {setings.api_key} is not a setting of this file. Did you mean "
      "{settings.api_key}?"]),
    ({"request.url": "https://acme.example/{settings.apikey}"},
     ["request.url: {settings.apikey} is not a setting of this file. Did you mean "
      "{settings.api_key}?"]),
    ({"request.url": "https://acme.example/{settings.region}"},
     ["request.url: {settings.region} is not a setting of this file. There are: "
      "{settings.api_key}"]),
    ({"request.url": "https://acme.example/a/./b"}, ["request.url: has . or .. in its path: "
                                                     "write the path without them"]),
    ({"request.url": 'https://acme.example/?a="b"'},
     ["request.url: has a character that must be percent-encoded, such as %22 for a quote"]),
    ({"request.method": "HEAD"}, ["request.method: must be GET, POST, PUT, PATCH or DELETE"]),
    # values of the payload
    *(({"request.url": url}, ["request.url: has {payload…} in its host: it may stand after the / "
                              "of a path only"])
      for url in ("https://api.acme.example{payload.x}/", "https://acme{payload.x}.example/a")),
    *(({"request.url": f"https://acme.example/{{{name}}}"},
       ["request.url: must name a field of the payload here, such as {payload.user_id}"])
      for name in ("payload", "payload.")),
    ({"request.url": "https://acme.example/{payload.a..b}"},
     ["request.url: must name a field of the payload by a dotted path, not {payload.a..b}"]),
    ({"request.auth": {"bearer": "{payload.x}"}},
     ["request.auth.bearer: must not contain {payload.x}: the key is the same for all events"]),
    *(({"request.headers": {name: f"{text}{{payload.x}}"}},
       [f"request.headers.{name}: must not contain {{payload.x}}: this text is the same for all "
        "events"])
      for name, text in (("Authorization", "Bearer "), ("Content-Type", "application/"))),
    # bodies
    ({"request.body": "xml"}, ["request.body: must be json, ndjson, form or none, or a table"]),
    ({"request.body": {"a": 1}}, ["request.body: holds nothing of the payload: use {payload} or "
                                  "{payload.FIELD}"]),
    ({"request.body": {"a": {"@pth": "$.b"}}},
     ["request.body.a: has an invalid directive: @pth. Did you mean @path?"]),
    ({"request.form": {"a": "x {payload}"}},
     ["request.form.a: must name a field of the payload here, such as {payload.user_id}"]),
    ({"request.body": "json", "request.form": {"a": "{payload}"}},
     ['request.form: needs body = "form"']),
    ({"request.omit": ["a."]}, ["request.omit[0]: must be a dotted path, such as user.id"]),
    ({"request.compression": "br"}, ["request.compression: must be gzip or none"]),
    ({"request.method": "GET", "request.compression": "gzip"},
     ["request.compression: is for a request that has a body"]),
    ({"request.headers": {"content-encoding": "gzip"}},
     ['request.headers.content-encoding: is set by request.compression, such as compression = '
      '"gzip"']),
    ({"request.headers": {"Content-Type": "application/x-www-form-urlencoded"}},
     ['request.headers.Content-Type: is not what the body is, which is json: set body = "form"']),
    ({"request.headers": {"Content-Type": "application/x-ndjson"}},
     ['request.headers.Content-Type: is not what the body is, which is json: set body = '
      '"ndjson"']),
    ({"request.headers": {"Content-Type": "multipart/form-data"}},
     ["request.headers.Content-Type: is not what the body is, which is json: remove it"]),
    ({"request.headers": {"Content-Type": "text/plain"}, "actions.0.body": "form"},
     ['actions[0].body: is "form", but request.headers.Content-Type says otherwise']),
    ({"request.headers": {"X Y": "a"}}, ['request.headers."X Y": its name must be the name of a '
                                         "header, such as X-Api-Key"]),
    ({"request.headers": {"X": "a\nb"}}, ["request.headers.X: must be a text on one line"]),
    ({"request.headers": {"X": "é"}}, ["request.headers.X: must be ASCII, without spaces "
                                       "around it"]),
    ({"request.headers": {"X": "a", "x": "b"}}, ["request.headers.x: appears twice"]),
    ({"request.headers": {"authorization": "Bearer sk_live_1"}},
     [f"request.headers.authorization: {OPEN_KEY}"]),
    ({"request.headers": {"Host": "a"}}, ["request.headers.Host: is set by HTTP itself: "
                                          "remove it"]),
    ({"request.auth": {"header": "content-Type", "key": KEY}},
     ["request.auth.header: is set by HTTP itself: use another header"]),
    ({"request.auth": {}}, [f"request.auth: {ONE_AUTH}"]),
    ({"request.auth": {"header": "X-Key"}}, [f"request.auth: {ONE_AUTH}"]),
    ({"request.auth": {"bearer": KEY, "basic": f"{KEY}:"}}, [f"request.auth: {ONE_AUTH}"]),
    ({"request.auth": {"barer": KEY}}, ["request.auth.barer: is not a key here. Did you mean "
                                        "bearer?"]),
    ({"request.auth": {"bearer": "sk_live_1"}}, [f"request.auth.bearer: {OPEN_KEY}"]),
    *(({"request.auth": {"bearer": text}}, ["request.auth.bearer: must be ASCII, without "
                                            "spaces around it"])
      for text in (f"{KEY}é", f" {KEY}", f"{KEY} ")),
    ({"request.auth": {"basic": KEY}}, ["request.auth.basic: must be user:password; the password "
                                        "may be empty"]),
    # the batch
    ({"batch": {}}, ["batch.events: is missing"]),
    ({"batch": {"events": 0}}, ["batch.events: must be from 1 to 1,000,000,000"]),
    ({"batch": {"events": 1.5}}, ["batch.events: must be a whole number, not a number"]),
    ({"batch": {"events": 5, "with": {"a": 1}}}, ["batch.under: is missing: with requires it"]),
    ({"batch": {"events": 5, "under": "a", "with": {"a": 1}}},
     ["batch.with.a: is already the key of the events, by batch.under"]),
    ({"batch": {"events": 5, "under": "a", "with": {"b": ["{x}"]}}},
     ["batch.with.b[0]: {x} is not a setting of this file. There are: {settings.api_key}"]),
    ({"batch": {"events": 5, "under": "abc", "bytes": 10}},
     ["batch.bytes: is too small: a request without events has 10"]),
    ({"batch": {"events": 5}, "request.method": "GET"},
     ["batch: does not go with a request that has no body"]),
    ({"actions.0.batch": {"events": 5}, "request.body": {"a": "{payload}"}},
     ["actions[0].batch: does not go with a table as the body: use batch.item"]),
    ({"batch": {"events": 5, "under": "a"}, "request.body": "ndjson"},
     ['batch.under: does not go with body = "ndjson": each event is a line']),
    ({"batch": {"events": 5, "bytes": 500}, "request.form": {"a": "{payload}"}},
     ["batch.bytes: cannot be counted in a form: limit the events"]),
    ({"batch": {"events": 5}, "request.body": "form"},
     ['batch: needs a field of the form for all events, such as form = { data = "{payload}" }']),
    ({"batch": {"events": 5}, "request.form": {"a": "{payload}", "b": "{payload.c}"}},
     ["batch: does not go with a field of one payload in the form: use {payload} only"]),
    ({"batch": {"events": 5, "under": "a.b", "with": {"a": 1}}},
     ["batch.with.a: must be a table, by batch.under"]),
    ({"batch": {"events": 5, "under": "a.b", "with": {"a": {"b": 1}}}},
     ["batch.with.a.b: is already the key of the events, by batch.under"]),
    ({"batch": {"events": 5, "under": "a..b"}},
     ["batch.under: must be a dotted path, such as data.events"]),
    ({"batch": {"events": 5, "by": []}}, ["batch.by: must not be empty"]),
    ({"batch": {"events": 5, "item": {"type": "event"}}},
     ["batch.item: holds nothing of the payload: use {payload} or {payload.FIELD}"]),
    # the reply
    ({"reply": {"retry": [99]}}, ["reply.retry[0]: must be from 200 to 599"]),
    ({"reply": {"retry": ["5xx"]}}, ["reply.retry[0]: must be a whole number, not a text"]),
    ({"reply": {"retry": [409], "stop": [402, 409]}}, ["reply.stop[1]: 409 is already in "
                                                       "reply.retry"]),
    ({"reply": {"items": {"list": "errors"}}},
     ["reply.items: must have index, status, indexes, retry_indexes or match"]),
    ({"reply": {"items": {"index": "i", "index_text": "/data/"}}},
     ["reply.items.index_text: must contain {index} once, such as /data/{index}"]),
    ({"reply": {"items": {"status": "s", "index_text": "/{index}"}}},
     ["reply.items.index: is missing: index_text requires it"]),
    ({"reply": {"items": {"match": {"a": "b"}, "list": "c"}}},
     ["reply.items.list: is for entries: needs index or status"]),
    ({"reply": {"items": {"match": {"a": "b."}}}},
     ["reply.items.match.a: must be a dotted path, such as user.id"]),
    ({"request": {"url": "https://a.example/", "omit": ["b"]},
      "reply": {"items": {"match": {"x": "b.c", "y": "d"}}}},
     ["reply.items.match.x: is not in what is posted for an event"]),
    ({"batch": {"events": 2, "item": {"kind": "a", "with": "{payload}", "id": "{payload.user}"}},
      "reply": {"items": {"match": {"v": "kind", "w": "with.email", "x": "email", "y": "user"}}}},
     ["reply.items.match.x: is not in what is posted for an event: name its place there, such as "
      "with.email",
      "reply.items.match.y: is not in what is posted for an event: name its place there, such as "
      "id"]),
    ({"reply": {"items": {"status": "s", "unnamed": "retry"}}},
     ["reply.items.unnamed: has no meaning: a reply with status only names all events"]),
    ({"reply": {"items": {"index": "i", "unnamed": "lost"}}},
     ["reply.items.unnamed: must be delivered or retry"]),
    ({"reply": {"success": "code = 0"}},
     ["reply.success: expected a field (body.…), contains( or match(; did you mean body.code?\n"
      "    code = 0\n    ^"]),
    ({"reply": {"refuse": [400], "items": {"index": "i", "replies": [400]}}},
     ["reply.refuse[0]: 400 is already in reply.items.replies"]),
    ({"reply": {"delivered": [409, 202], "items": {"index": "i"}}},
     ["reply.delivered[1]: would hide failed events: list in reply.items.replies the statuses "
      "to read"]),
    ({"reply": {"items": {"index": "item.i", "status": "item", "reason": "item.i.why"}}},
     ["reply.items.status: must be beside reply.items.index, not at or above it",
      "reply.items.reason: must be beside reply.items.index, not inside it",
      "reply.items.reason: must be beside reply.items.status, not inside it"]),
    ({"reply": {"items": {"status": "s", "delivered": ["a", 1], "retry": ["a", "1", 2]}}},
     ["reply.items.retry[0]: a is already in reply.items.delivered",
      "reply.items.retry[1]: 1 is already in reply.items.delivered"]),
    ({"reply": {"items": {"index": "i", "status": "i"}}},
     ["reply.items.status: must be beside reply.items.index, not at or above it"]),
    ({"limits": {"rate": 0}}, ["limits.rate: must be from 0.001 to 1,000,000"]),
    # the actions
    ({"fan_out": "no"}, ["fan_out: must be true or false, not a text"]),
    ({"actions.0.name": "actions[1]", "actions.1": {"subscribe": TRACK, "mapping": {}},
      "actions.2": {"name": "A", "subscribe": TRACK, "mapping": {}},
      "actions.3": {"name": "A", "subscribe": "", "mapping": {}}},
     ["actions[3].subscribe: must not be empty",
      "actions[1].name: actions[0] has this name too: choose another",
      "actions[3].name: actions[2] has this name too: choose another"]),
    ({"actions.0.subscribe": GONE}, ["actions[0].subscribe: is missing"]),
    ({"actions.0.subscribe": 'type == "track"'},
     ['actions[0].subscribe: expected a value: FQL has a single =, not ==\n'
      '    type == "track"\n          ^']),
    ({"actions.0.subscribe": 'type = "trak"'},
     ["actions[0].subscribe: matches no event: a type is alias, group, identify, page, screen "
      "or track"]),
    ({"actions.0.subscribe": 'type = "track" and type = "page"'},
     ["actions[0].subscribe: matches no event: a type is alias, group, identify, page, screen "
      "or track"]),
    ({"actions.0.mapping": GONE}, ["actions[0]: must have either a mapping or a mapping_file"]),
    ({"actions.0.mapping_file": "a.json"}, ["actions[0]: must have either a mapping or a "
                                            "mapping_file"]),
    ({"actions.0.maping": {}, "actions.0.mapping": GONE},
     ["actions[0].maping: is not a key here. Did you mean mapping?"]),
    ({"actions.0.mapping": {"a": ["x", {"@literal": "k={settings.api_key}"}],
                            "b": {"@template": "{{settings.api_key}}"},
                            "c": {"@template": "{settings.api_key}"}}}, [
        'actions[0].mapping.b."@template": names api_key, which is secret: a key must stand '
        'alone, { "@setting" = "api_key" }',
        'actions[0].mapping.a[1]."@literal": names a setting, but texts are not filled in here: '
        'write { "@setting" = "api_key" }',
        'actions[0].mapping.c."@template": names a setting, but texts are not filled in here: '
        "write {{settings.api_key}}",
    ]),
    ({"actions.0.mapping": {"a": {"@template": "{{ settings.api_kee }}"}}},
     ['actions[0].mapping.a."@template": {settings.api_kee} is not a setting of this file. Did '
      "you mean {settings.api_key}?"]),
    ({"settings.app": {"default": "a{b"}, "actions.0.mapping": {
        "a": {"@template": "{{settings.app}}"}}},
     ["settings.app.default: must be a text without { and }"]),
    ({"settings.app": {"default": "a"}, "actions.0.mapping": {
        "a": {"@setting": "app"}, "b": [{"@liquid": "{{ event | append: settings.app }}"}]}},
     ['actions[0].mapping.b[0]."@liquid": names the setting app, which @liquid does not know: '
      'write { "@template" = "{{settings.app}}" }']),
    ({"actions.0.mapping": {"a": {"@each": {"value": {"@path": "$.traits"}, "onyl": []}}}},
     ['actions[0].mapping.a."@each".onyl: is no option of this directive. Did you mean only?']),
    ({"actions.0.mapping": {"a": {"@setting": "api_kee"}, "b": [{"@setting": 5}]}}, [
        'actions[0].mapping.a."@setting": {settings.api_kee} is not a setting of this file. Did '
        "you mean {settings.api_key}?",
        'actions[0].mapping.b[0]."@setting": must be the name of a setting, such as "app_id"',
    ]),
    ({"actions.0.mapping": {"a": {"@replace": {"pattern": "-", "value": {"@setting": "api_key"}}}}},
     ['actions[0].mapping.a."@replace".value."@setting": is secret: it must not stand inside '
      "@each, @lookup, @phone, @replace, @tail or @transform"]),
    ({"actions.0.mapping": {"a": {"@setting": "api_key", "x": 1}}},
     ["actions[0].mapping.a: should only have one @-prefixed key but it has 2 keys"]),
    ({"settings.n": {"default": 5}, "actions.0.mapping": {
        "a": {"@case": {"operator": {"@setting": "n"}, "value": "x"}}}},
     ['actions[0].mapping.a."@case".operator: should be a string but it is a number']),
    ({"actions.0.mapping": []}, ["actions[0].mapping: must be a table or a text, not a list"]),
    ({"actions.0.mapping": "[1]"}, ["actions[0].mapping: must be an object: the payload of an "
                                    "event"]),
    ({"actions.0.mapping": '{"a":\n ]'}, ["actions[0].mapping: not JSON: Expecting value in its "
                                         "line 2, column 2"]),
    ({"actions.0.mapping": {"a": {"@path": 1}, "b": {"@oops": 1}}},
     ['actions[0].mapping.a."@path": should be a string or a mapping directive but it is a number',
      "actions[0].mapping.b: has an invalid directive: @oops"]),
    ({"actions.0.mapping": {"user": {"@tmplate": "x"}, "n": {"@seting": "n"}, "t": {"@EPOCH": 1}}},
     ["actions[0].mapping.user: has an invalid directive: @tmplate. Did you mean @template?",
      "actions[0].mapping.n: has an invalid directive: @seting. Did you mean @setting?",
      "actions[0].mapping.t: has an invalid directive: @EPOCH. Did you mean @epoch?"]),
    ({"actions.0.mapping": {"a": {"@json": {"mode": "Decode", "value": "1"}}}},
     ['actions[0].mapping.a: @json does nothing with mode "Decode": type encode or decode']),
    # fields
    ({"actions.0.fields": []}, ["actions[0].fields: must be a table or a text, not a list"]),
    ({"actions.0.fields": "[]"}, ["actions[0].fields: must be an object: the fields of the payload "
                                  "by name"]),
    ({"actions.0.fields": "{"}, ["actions[0].fields: not JSON: Expecting property name enclosed in "
                                 "double quotes in its line 1, column 2"]),
    ({"actions.0.fields": {}, "actions.0.fields_file": "a.json"},
     ["actions[0]: must have either fields or a fields_file"]),
    ({"actions.0.fields_file": "a.json"}, ["actions[0].fields_file: a.json does not exist"]),
    ({"actions.0.fields": {"name": {"typ": "string"}, "n": {"type": "int"}, "s": "strng"}}, [
        "actions[0].fields.name.typ: is not a key here. Did you mean type?",
        "actions[0].fields.n.type: must be string, text, password, datetime, number, integer, "
        "boolean or object",
        "actions[0].fields.s: must begin with a type: string, text, password, datetime, number, "
        "integer, boolean, object",
    ]),
    ({"actions.0.fields": {"o": {"properties": {"p": {"multiple": 1}}},
                           "t": {"properties": {}, "type": "string"}}}, [
        "actions[0].fields.o.properties.p.multiple: must be true or false, not a whole number",
        'actions[0].fields.t.properties: need type = "object"',
    ]),
    ({"actions.0.fields": {"a": {"required": {"conditions": [{"fieldKey": "nam"}]}},
                           "name": "string"}}, [
        "actions[0].fields.a.required.conditions[0].operator: is missing",
        "actions[0].fields.a.required.conditions[0].fieldKey: names no field of this action. Did "
        "you mean name?",
    ]),
    ({"actions.0.fields": {"a": {"default": {"@oops": 1}}}, "actions.0.mapping": GONE},
     ['actions[0].fields.a.default: has an invalid directive: @oops']),
    ({"actions.0.mapping": GONE, "actions.0.mapping_file": "a.json"},
     ["actions[0].mapping_file: a.json does not exist"]),
    ({"actions.0.route": "t"}, ["actions[0].route: must be a path that begins with /, without "
                                ". or .., without a query, and without characters that must "
                                "be percent-encoded, such as spaces"]),
    *((ROUTED | {"actions.0.route": route},
       ["actions[0].route: must be a path that begins with /, without . or .., without a "
        "query, and without characters that must be percent-encoded, such as spaces"])
      for route in ("/t?x=2", "/a/../b", "/.", "/a/%2E%2e#1", '/a"b<>', "/a%2", "/{", "/{{a}}")),
    ({"actions.0.route": "/t"}, [f"actions[0].route: {NOWHERE}"]),
    ({"request.url": ROUTED["request.url"]}, ["actions[0].route: is missing: request.url has a "
                                          "{route}"]),
    (ROUTED | {"request.url": "https://api.acme.example/{route}"},
     ["request.url: has a / before {route}, but a route begins with / itself"]),
    (ROUTED | {"actions.1": {"subscribe": TRACK, "mapping": {}, "route": "/t", "method": "PUT"}},
     ["actions[1]: posts /t differently from an earlier action: give it its own route, such "
      "as /t#1"]),
]  # fmt: skip
