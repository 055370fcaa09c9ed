// The same loop in Node, by the same means: node tests/bench/tight.mjs FILE

import { openSync, readSync, writeSync } from "node:fs";

const BLOCK = 1 << 16;

function payload(line) {
  const event = JSON.parse(line);
  const { context } = event;
  const labels = {};
  const numbers = {};
  const isTrack = event.type === "track";
  if (isTrack) {
    for (const key in context.traits) labels[key] = String(context.traits[key]);
  } else {
    const { traits } = event;
    for (const key in traits) {
      const value = traits[key];
      if (typeof value === "string") labels[key] = value;
      else if (typeof value === "number") numbers[key] = value;
      else if (typeof value === "boolean") labels[key] = String(value);
      else if (value !== null) {
        for (const inner in value) {
          const leaf = value[inner];
          if (typeof leaf === "string") labels[`${key}.${inner}`] = leaf;
          else numbers[`${key}.${inner}`] = leaf;
        }
      }
    }
  }
  for (const key in context.location) labels[`location.${key}`] = String(context.location[key]);
  for (const key in context.campaign) labels[`campaign.${key}`] = context.campaign[key];
  for (const key in context.device) labels[`device.${key}`] = context.device[key];
  const actor = event.userId
    ? { userId: event.userId, anonymousId: event.anonymousId }
    : { anonymousId: event.anonymousId };
  return JSON.stringify({
    eventSource: "segment",
    eventType: isTrack ? event.event : "identify",
    eventTime: event.timestamp,
    actors: { customer: actor },
    labels,
    numbers,
  });
}

function write(text) {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
}

const file = openSync(process.argv[2]);
const block = Buffer.allocUnsafe(BLOCK);
let rest = Buffer.alloc(0);
for (let size; (size = readSync(file, block)) > 0; ) {
  const bytes = Buffer.concat([rest, block.subarray(0, size)]);
  let out = "";
  let start = 0;
  for (let end; (end = bytes.indexOf(10, start)) >= 0; start = end + 1) {
    out += payload(bytes.toString("utf8", start, end)) + "\n";
  }
  rest = bytes.subarray(start);
  if (out) write(out);
}
