/* What waits in queues, and what happened. */
import { ask } from "./asking.js";
import { at, clockTime, make } from "./words.js";

const EVENTS_SHOWN = 100;
/** At once, of events that are asked for from the oldest on. */
const [PAGES, PAGE] = [20, 200];
const EVENTS_BACK_MS = 6 * 3_600_000;
let queueAskedAt = Number.NEGATIVE_INFINITY;
/** `showTile`: where a number is shown. */
export async function showQueue(showTile) {
  if (performance.now() - queueAskedAt < 5_000) return;
  queueAskedAt = performance.now();
  try {
    const { queues } = await (await ask("/queue/depth")).json();
    const sum = (key) => Object.values(queues).reduce((all, depth) => all + depth[key], 0);
    showTile("waiting", "Messages waiting", sum("waiting"), "");
    showTile("dead", "Dead letters", sum("dead"), sum("dead") > 0 ? "warn" : "dim");
  } catch {
    // it may not be this component's to see, or the store is away, which is said elsewhere
  }
}

const events = { last: undefined, isAsking: false };
export async function showEvents(now) {
  if (events.isAsking) return;
  events.isAsking = true;
  try {
    // an id begins with its time
    events.last ??= `${Math.round(now - EVENTS_BACK_MS)}-0`;
    const list = at("happened");
    for (let page = 0; page < PAGES; page++) {
      const answer = await (await ask(`/events?limit=${PAGE}&since=${events.last}`)).json();
      events.last = answer.events.at(-1)?.event_id ?? events.last;
      list.prepend(...answer.events.map(makeEvent).reverse());
      while (list.childElementCount > EVENTS_SHOWN) list.lastElementChild.remove();
      if (answer.events.length < PAGE) break;
    }
    at("quiet").hidden = list.childElementCount > 0;
    list.hidden = list.childElementCount === 0;
  } catch {
    // as above
  }
  events.isAsking = false;
}

const TONES = [
  [/-(?:offline)$|not-delivered$|^message-dead$/, "bad"],
  [/-(?:degraded|missed-heartbeat|gone|paused)$/, "warn"],
  [/-(?:recovered|resolved|healthy)$/, "good"],
];

/** Of what the conductor says itself. */
function toneOf(type, severity) {
  if (type === "alert-firing") return severity === "critical" ? "bad" : "warn";
  return TONES.find(([pattern]) => pattern.test(type))?.[1] ?? "";
}

function makeEvent({ event_type: type, source, timestamp, data }) {
  const item = make("li");
  const time = make("time", "number", clockTime(timestamp));
  time.dateTime = timestamp;
  const tone = source === "conductor" ? toneOf(type, data?.severity) : "";
  item.append(time, make("span", tone, type));
  const about = data?.component_id !== undefined && source === "conductor" ? aboutComponent(data) : `${source} ${JSON.stringify(data)}`;
  item.append(make("span", "about", about.slice(0, 400)));
  return item;
}

function aboutComponent({ component_id: id, alert_name: alert, causes = [], missed, reason }) {
  const parts = [alert, causes.length > 0 ? causes.join(", ") : undefined, missed === undefined ? undefined : `${missed} in a row`, reason];
  return [id, ...parts.filter((part) => part !== undefined)].join(" · ");
}
