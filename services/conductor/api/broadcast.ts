/** POST /broadcast: one message into the queue of every other component. */
import { ConductorError } from "../core/conductor-error.ts";
import type { Call, Routes } from "./call.ts";
import { invalid, readFields, readOptionalText } from "./fields.ts";
import { readMessage } from "./message.ts";
import { senderOf } from "./people.ts";

const CAPABILITY = { pattern: /^[A-Za-z0-9][\w.:-]{0,63}$/, words: "a capability" };
/** Who never reads its messages does not keep them for long. */
const TTL_S = 3_600;
/** Of all copies together. */
const BYTES = 67_108_864;

export const routes: Routes = { "/broadcast": { POST: { handle: broadcast } } };

async function broadcast(call: Call): Promise<Response> {
  const { conductor } = call;
  const fields = await readFields(call);
  if (fields.to !== undefined) throw invalid("to", "has no place here: POST /queue/send is for one");
  const from = senderOf(call, fields);
  const capability = readOptionalText(fields, "capability", CAPABILITY);
  const all = capability === undefined ? conductor.registry.all() : conductor.registry.capableOf(capability);
  // one that does not beat is no program that reads messages
  const receivers = [...all].filter(({ id, health }) => id !== from && health.doesBeat);
  const message = readMessage(fields, { from, to: "", now: conductor.clock.now(), ttlS: TTL_S });
  refuseTooMuch(receivers.length, JSON.stringify(message).length);
  // a key counts per sender: each copy needs one of its own
  const keyFor = (id: string): string | null => (message.idempotencyKey === null ? null : `${message.idempotencyKey} to ${id}`);
  const sent = await conductor.mail.send(receivers.map(({ id }) => ({ ...message, to: id, idempotencyKey: keyFor(id) })));
  const isNew = sent.filter(({ isDuplicate }) => !isDuplicate).length;
  return Response.json({ status: "accepted", recipients: sent.length, duplicates: sent.length - isNew }, { status: 201 });
}

function refuseTooMuch(receivers: number, bytes: number): void {
  if (receivers * bytes <= BYTES) return;
  throw new ConductorError("payload_too_large", `${receivers} copies of ${bytes} bytes are more than ${BYTES}`, {
    hint: "put it into the shared state, and broadcast its key; or publish an event",
    details: { limit: BYTES, recipients: receivers },
  });
}
