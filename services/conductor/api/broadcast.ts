/** POST /broadcast: one message into the queue of every other component. */
import { ConductorError } from "../core/conductor-error.ts";
import { type NewMessage, StoreError } from "../store/store.ts";
import { type Call, mayReach, type Routes } from "./call.ts";
import { invalid, readFields, readOptionalText } from "./fields.ts";
import { readMessage } from "./message.ts";
import { senderOf } from "./people.ts";

export const CAPABILITY = { pattern: /^[A-Za-z0-9][\w.:-]{0,63}$/, words: "a capability" };
/** Who never reads its messages does not keep them for long. */
export const TTL_S = 3_600;
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
  const others = [...all].filter(({ id, health }) => id !== from && health.doesBeat);
  const receivers = others.filter((component) => mayReach(call, "broadcast", component));
  const message = readMessage(fields, { from, to: "", now: conductor.clock.now(), ttlS: TTL_S });
  refuseTooMuch(receivers.length, JSON.stringify(message).length);
  // a key counts per sender: each copy needs one of its own
  const keyFor = (id: string): string | null => (message.idempotencyKey === null ? null : `${message.idempotencyKey} to ${id}`);
  const copies = receivers.map(({ id }) => ({ ...message, to: id, idempotencyKey: keyFor(id) }));
  call.note({ from, recipients: copies.length });
  const { sent, full } = await sendToAll(call, copies);
  const isNew = sent.filter(({ isDuplicate }) => !isDuplicate).length;
  const notAllowed = others.length - receivers.length;
  return Response.json(
    {
      ...{ status: "accepted", recipients: sent.length, duplicates: sent.length - isNew },
      ...(notAllowed === 0 ? {} : { not_allowed: notAllowed }),
      ...(full === 0 ? {} : { queue_full: full }),
    },
    { status: 201 },
  );
}

/** One that never reads its messages keeps nobody else from theirs: those whose queue is full are left out. */
async function sendToAll({ conductor }: Call, copies: readonly NewMessage[]): Promise<{ sent: { isDuplicate: boolean }[]; full: number }> {
  let left = copies;
  while (true) {
    try {
      return { sent: await conductor.mail.send(left), full: copies.length - left.length };
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== "full") throw error;
      const full = new Set(error.receivers);
      left = left.filter(({ to }) => !full.has(to));
    }
  }
}

function refuseTooMuch(receivers: number, bytes: number): void {
  if (receivers * bytes <= BYTES) return;
  throw new ConductorError("payload_too_large", `${receivers} copies of ${bytes} bytes are more than ${BYTES}`, {
    hint: "put it into the shared state, and broadcast its key; or publish an event",
    details: { limit: BYTES, recipients: receivers },
  });
}
