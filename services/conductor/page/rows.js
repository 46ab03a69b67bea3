/* One row for each component, kept from one second to the next: what has the focus keeps it. */
import { ask } from "./asking.js";
import { amount, at, drawSpark, make, makeSpark, say, span } from "./words.js";

const CHART_BACK_MS = 1_800_000;
const CHARTS_MS = 10_000;
const RANK = { offline: 0, degraded: 1, starting: 2, healthy: 3 };
/** As the conductor weighs them: the first that a component reports. */
const LOADS = ["load", "active_requests", "queue_depth", "cpu_percent"];
export const byRank = (a, b) => RANK[a.status] - RANK[b.status] || a.component_id.localeCompare(b.component_id, "en", { numeric: true });
const rows = new Map();

function makeRow(id) {
  const row = make("tr");
  const head = make("th");
  head.scope = "row";
  const button = make("button", "more");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  const name = make("span", "", id);
  button.append(name);
  button.title = id;
  const version = make("span", "version");
  head.append(button, version);
  const state = make("span");
  const stateCell = make("td");
  stateCell.append(state);
  const cells = ["Heartbeat", "Up for", "", "Requests / min", "Errors / min"].map((title) => {
    const cell = make("td", "right number");
    if (title !== "") cell.dataset.name = title;
    return cell;
  });
  const [beat, known, load, requests, errors] = cells;
  known.classList.add("wide");
  load.className = "right load-cell";
  const loadBox = make("div", "load");
  const [loadName, loadValue, spark] = [make("small"), make("span", "number"), makeSpark()];
  drawSpark(spark, []);
  loadBox.append(loadName, spark, loadValue);
  load.append(loadBox);
  row.append(head, stateCell, ...cells);
  const made = {
    id,
    row,
    button,
    version,
    state,
    beat,
    known,
    loadName,
    loadValue,
    spark,
    requests,
    errors,
    detail: undefined,
    metric: undefined,
  };
  button.addEventListener("click", () => toggle(made));
  seen.observe(row);
  row.dataset.id = id;
  return made;
}

const visible = new Set();
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const { id } = target.dataset;
    if (!isIntersecting) visible.delete(id);
    else if (!visible.has(id)) {
      visible.add(id);
      const made = rows.get(id);
      // at once the first time, from then on with the others
      if (made !== undefined && !made.isCharted) void chartOne(made, Date.now());
    }
  }
});

function matchesFilter({ component_id: id, status, version }) {
  const words = at("filter").value.toLowerCase().split(/\s+/);
  return words.every((word) => id.toLowerCase().includes(word) || status.startsWith(word) || version.toLowerCase().includes(word));
}

export function showRows({ components }, now) {
  const wanted = components.filter(matchesFilter).sort(byRank);
  const ids = new Set(wanted.map(({ component_id: id }) => id));
  for (const [id, { row, detail }] of rows) {
    if (ids.has(id)) continue;
    seen.unobserve(row);
    visible.delete(id);
    row.remove();
    detail?.remove();
    rows.delete(id);
  }
  let next = at("rows").firstElementChild;
  for (const component of wanted) {
    const made = rows.get(component.component_id) ?? makeRow(component.component_id);
    rows.set(component.component_id, made);
    fill(made, component, now);
    if (next === made.row) next = next.nextElementSibling;
    else at("rows").insertBefore(made.row, next);
    if (made.detail === undefined) continue;
    if (next === made.detail) next = next.nextElementSibling;
    else at("rows").insertBefore(made.detail, next);
  }
  at("table").hidden = wanted.length === 0;
  showNobody(components.length, wanted.length);
}

function showNobody(all, shown) {
  const empty = at("nobody");
  empty.hidden = shown > 0;
  if (shown > 0) return;
  if (all > 0) return empty.replaceChildren("None of them matches the filter.");
  const line = `curl ${location.origin}/register -H "Authorization: Bearer $TOKEN" \\\n  -d '{"component": "my-program", "port": 8001}'`;
  empty.replaceChildren("A program that registers here appears at once, and stays as long as it beats.", make("code", "", line));
}

function fill(made, component, now) {
  const { status, version, last_heartbeat: beat, metrics } = component;
  say(made.version, version);
  say(made.state, status, `state ${status}`);
  say(made.beat, beat === null ? "never" : `${span((now - Date.parse(beat)) / 1_000)} ago`);
  say(made.known, span(component.uptime_seconds));
  const metric = LOADS.find((name) => Object.hasOwn(metrics, name));
  made.metric = metric ?? "requests_per_minute";
  say(made.loadName, metric ?? "");
  say(made.loadValue, metric === undefined ? "–" : amount(metrics[metric]));
  say(made.requests, amount(component.requests_per_minute));
  say(made.errors, amount(component.errors_per_minute), component.errors_per_minute > 0 ? "right number bad" : "right number");
}

/* --- what is measured of one --- */

function toggle(made) {
  const isOpen = made.detail === undefined;
  made.button.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) {
    made.detail = make("tr", "detail");
    const cell = make("td", "", "…");
    cell.colSpan = 7;
    made.detail.append(cell);
    made.row.after(made.detail);
    void chartOne(made, Date.now());
  } else {
    made.detail.remove();
    made.detail = undefined;
  }
}

let chartedAt = Number.NEGATIVE_INFINITY;
/** Of those rows alone that are on the screen. */
export async function chart(now) {
  if (performance.now() - chartedAt < CHARTS_MS) return;
  chartedAt = performance.now();
  for (const id of [...visible]) {
    const made = rows.get(id);
    if (made !== undefined) await chartOne(made, now);
  }
}

async function chartOne(made, now) {
  made.isCharted = true;
  try {
    const answer = await (await ask(`/metrics/${encodeURIComponent(made.id)}?start=${Math.round(now - CHART_BACK_MS)}`)).json();
    const series = new Map(Object.entries(answer.series));
    drawSpark(
      made.spark,
      (series.get(made.metric) ?? []).map(({ mean }) => mean),
    );
    if (made.detail === undefined) return;
    const { metrics } = await (await ask(`/metrics/${encodeURIComponent(made.id)}`)).json();
    // what changes over time first: that is what the component says itself
    const entries = Object.entries(metrics).sort(([a], [b]) => Number(series.has(b)) - Number(series.has(a)));
    const items = entries.map(([name, value]) => {
      const [item, spark] = [make("li"), makeSpark()];
      drawSpark(
        spark,
        (series.get(name) ?? []).map(({ mean }) => mean),
      );
      const label = make("span", "clip", name);
      label.title = name;
      item.append(label, spark, make("span", "number", typeof value === "number" ? amount(value) : "–"));
      return item;
    });
    const all = make("ul");
    all.append(...items);
    made.detail?.firstElementChild.replaceChildren(make("p", "", "Now, and over the last half hour"), all);
  } catch (error) {
    made.detail?.firstElementChild.replaceChildren(`${error.message}.`);
  }
}
