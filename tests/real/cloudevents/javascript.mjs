// The CloudEvents SDK for JavaScript, for judges.py.
//
//   node javascript.mjs MODULES read    a JSON array of events on stdin: what the SDK makes of each, and of all in one batch
//   node javascript.mjs MODULES write   a JSON array of {attributes, data, binary}: the bodies that the SDK sends, one a line

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, act] = process.argv.slice(2);
const { CloudEvent, HTTP } = createRequire(join(modules, "package.json"))("cloudevents");
const input = JSON.parse(readFileSync(0, "utf8"));

const message = (type, body) => ({ headers: { "content-type": `${type}; charset=utf-8` }, body: JSON.stringify(body) });

/** What the SDK read, after its own validation against the specification's schema. */
const shown = (event) => {
  event.validate();
  return event.toJSON();
};

if (act === "read") {
  const single = input.map((event) => shown(HTTP.toEvent(message("application/cloudevents+json", event))));
  const batch = HTTP.toEvent(message("application/cloudevents-batch+json", input)).map(shown);
  console.log(JSON.stringify({ single, batch }));
} else {
  for (const { attributes, data, binary } of input) {
    const content = binary ? new TextEncoder().encode(JSON.stringify(data)) : data;
    console.log(HTTP.structured(new CloudEvent({ ...attributes, data: content })).body);
  }
}
