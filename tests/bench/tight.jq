# The same mapping in jq: jq -cf tests/bench/tight.jq FILE

def dotted($name): with_entries(.key = "\($name).\(.key)");
def leaves: with_entries(select(.value != null)) |
  with_entries(select(.value | type != "object")) +
  ([to_entries[] | select(.value | type == "object") | .key as $name | .value | dotted($name)] | add // {});
def texts: with_entries(.value |= tostring);
def is_number: .value | type == "number";

(.type == "track") as $track
| (if $track then .context.traits else .traits | leaves end) as $traits
| {
    eventSource: "segment",
    eventType: (if $track then .event else "identify" end),
    eventTime: .timestamp,
    actors: {customer: ({userId, anonymousId} | with_entries(select(.value != null)))},
    labels: (
      (if $track then $traits else $traits | with_entries(select(is_number | not)) end | texts)
      + (.context.location // {} | texts | dotted("location"))
      + (.context.campaign // {} | texts | dotted("campaign"))
      + (.context.device // {} | texts | dotted("device"))
    ),
    numbers: (if $track then {} else $traits | with_entries(select(is_number)) end)
  }
