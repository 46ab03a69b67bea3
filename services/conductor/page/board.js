/* The whole in one sentence, in numbers, and what is wrong. */
import { session } from "./asking.js";
import { showEvents, showQueue } from "./happened.js";
import { byRank, chart, showRows } from "./rows.js";
import { amount, at, clockTime, drawSpark, make, makeSpark, plural, say, span } from "./words.js";

/** Of lines about what is wrong. */
const TROUBLES = 12;
const COLOURS = { healthy: "good", degraded: "warn", offline: "bad", starting: "dim" };
export const board = { shownAt: undefined, last: undefined, rates: { requests: [], errors: [] } };

export function show(data) {
  board.shownAt = data.timestamp;
  board.last = data;
  at("ask").hidden = true;
  at("board").hidden = false;
  at("leave").hidden = session.token === "";
  say(at("link"), `live · ${clockTime(data.timestamp)}`, "live");
  const now = Date.parse(data.timestamp);
  showHeadline(data);
  showTrouble(data, now);
  showRows(data, now);
  void showEvents(now);
  void showQueue(showTile);
  if (!document.hidden) void chart(now);
}

/** What a person wants to know first, in one sentence. */
function headlineOf({ components_total: total, components_by_status: { healthy, degraded, offline, starting }, store: kept }, fires) {
  const ill = degraded + offline;
  const tail = fires > 0 ? `, ${plural(fires, "alert fires", "alerts fire")}` : "";
  const words = () => {
    if (total === 0) return "Nobody has registered yet";
    if (ill > 0) return `${amount(ill)} of ${plural(total, "component", "components")} ${ill === 1 ? "is" : "are"} not well`;
    if (starting > 0) return `${plural(healthy, "component is", "components are")} well, ${amount(starting)} starting`;
    return total === 1 ? "The one component is well" : `All ${amount(total)} components are well`;
  };
  return `${kept.ok ? "" : "The store is away. "}${words()}${tail}`;
}

function worstOf({ components_total: total, components_by_status: { degraded, offline }, store: kept }, fires) {
  if (offline > 0 || !kept.ok) return "bad";
  if (degraded > 0 || fires > 0) return "warn";
  return total === 0 ? "idle" : "good";
}

function showHeadline(data) {
  const { components_total: total, components_by_status: by, store: kept, components } = data;
  const silent = data.alerts.filter((alert) => alert.is_silenced).length;
  const fires = data.alerts_total - silent;
  say(at("headline"), headlineOf(data, fires));
  const place = kept.kind === "redis" ? "Redis" : "its own file";
  say(at("subline"), `Up for ${span(data.uptime_seconds)} · everything kept in ${place}${kept.reason ? ` · ${kept.reason}` : ""}`);
  say(at("count"), total > components.length ? `${amount(components.length)} of ${amount(total)}, those in trouble first` : amount(total));
  const parts = ["healthy", "starting", "degraded", "offline"].map((name) => {
    const part = make("span", COLOURS[name]);
    part.style.flexGrow = by[name];
    part.hidden = by[name] === 0;
    return part;
  });
  at("bar").replaceChildren(...parts);
  setIcon(worstOf(data, fires));
  const ill = by.degraded + by.offline;
  document.title = ill > 0 ? `${amount(ill)} not well · Conductor` : "Conductor";
  showTiles(data);
}

function showTiles({ components, components_by_status: by }) {
  const toned = (number, tone) => (number > 0 ? tone : "dim");
  for (const [name, title] of [
    ["healthy", "Healthy"],
    ["degraded", "Degraded"],
    ["offline", "Offline"],
  ]) {
    showTile(name, title, by[name], toned(by[name], COLOURS[name]));
  }
  for (const name of ["requests", "errors"]) {
    const sum = components.reduce((all, component) => all + component[`${name}_per_minute`], 0);
    board.rates[name] = [...board.rates[name], sum].slice(-120);
    showTile(
      name,
      `${name === "errors" ? "Errors" : "Requests"} / min`,
      sum,
      name === "errors" ? toned(sum, "bad") : "",
      board.rates[name],
    );
  }
}

const tiles = new Map();
function showTile(name, title, value, className, values) {
  let tile = tiles.get(name);
  if (tile === undefined) {
    tile = { value: make("dd"), spark: values === undefined ? undefined : makeSpark() };
    const box = make("div");
    box.append(make("dt", "", title), tile.value, ...(tile.spark === undefined ? [] : [tile.spark]));
    at("tiles").append(box);
    tiles.set(name, tile);
  }
  say(tile.value, amount(value), className);
  if (values !== undefined) drawSpark(tile.spark, values);
}

let icon;
export function setIcon(name) {
  if (icon === name) return;
  icon = name;
  const colour = { good: "#1f9d5b", warn: "#d99a1c", bad: "#d93c2b", idle: "#8a979a" }[name];
  const shape =
    name === "bad"
      ? "<rect x='2' y='2' width='12' height='12'"
      : name === "warn"
        ? "<path d='M8 1 15 14H1Z'"
        : "<circle cx='8' cy='8' r='6'";
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${shape} fill='${colour}'/></svg>`;
  document.querySelector("link[rel=icon]").href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** One line for each alert, whoever it fires for. */
function linesOfAlerts(alerts) {
  return [...Map.groupBy(alerts, (alert) => alert.alert_name)].map(([name, [first, ...others]]) => ({
    state: first.is_silenced ? "silenced" : first.severity,
    name,
    what: `${first.condition}: ${first.component_id}${others.length === 0 ? "" : ` and ${amount(others.length)} more`}`,
    since: first.since,
  }));
}

function showTrouble({ components, alerts }, now) {
  const ill = components.filter(({ status }) => status === "offline" || status === "degraded").sort(byRank);
  const items = [
    ...linesOfAlerts(alerts.filter(({ severity }) => severity === "critical")),
    ...ill.map((each) => ({ state: each.status, name: each.component_id, what: each.causes.join(", "), since: each.status_since })),
    ...linesOfAlerts(alerts.filter(({ severity }) => severity !== "critical")),
  ];
  at("trouble").hidden = items.length === 0;
  at("trouble").classList.toggle("mild", !items.some(({ state }) => state === "offline" || state === "critical"));
  const shown = items.slice(0, TROUBLES).map(({ state, name, what, since }) => {
    const line = make("li", "line");
    const words = make("div");
    words.append(make("span", "name", name), make("span", "dim", what === "" ? "" : ` ${what}`));
    const badge = make("span");
    badge.append(make("span", `state ${state}`, state));
    line.append(badge, words, make("span", "number dim since", `since ${clockTime(since)}, ${span((now - Date.parse(since)) / 1_000)}`));
    return line;
  });
  if (items.length > TROUBLES) shown.push(make("li", "line dim", `and ${items.length - TROUBLES} more`));
  at("troubles").replaceChildren(...shown);
}
