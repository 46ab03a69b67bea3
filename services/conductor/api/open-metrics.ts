/** Everything that is measured, as OpenMetrics 1.0 text (https://prometheus.io/docs/specs/om/open_metrics_spec/). */
import type { Conductor } from "../core/conductor.ts";
import type { Component } from "../core/registry.ts";

interface Family {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly unit?: string;
  readonly help: string;
  readonly of: (component: Component) => number | undefined;
}

/** Components whose lines are written in one go: of 100 000 all at once are a second in which no heartbeat is taken. */
const AT_ONCE = 2_000;

export async function writeOpenMetrics(conductor: Conductor, isShown: (component: Component) => boolean): Promise<string> {
  const components = [...conductor.registry.all().filter(isShown)];
  const isFiringShown = (id: string): boolean => {
    const component = conductor.registry.get(id);
    return component !== undefined && isShown(component);
  };
  const firing = conductor.alerts.firing().filter(({ componentId }) => isFiringShown(componentId)).length;
  const parts: string[] = [];
  const writeEach = async (linesOf: (component: Component) => readonly string[]): Promise<void> => {
    for (let first = 0; first < components.length; first += AT_ONCE) {
      // who has left meanwhile has no figures any more
      const still = components.slice(first, first + AT_ONCE).filter((component) => conductor.registry.get(component.id) === component);
      const lines = still.flatMap(linesOf);
      if (lines.length > 0) parts.push(lines.join("\n"));
      if (first + AT_ONCE < components.length) await Bun.sleep(0);
    }
  };
  for (const { name, type, unit, help, of } of familiesOf(conductor)) {
    parts.push(`# TYPE ${name} ${type}`, ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]), `# HELP ${name} ${help}`);
    const sample = type === "counter" ? `${name}_total` : name;
    await writeEach((component) => {
      const value = of(component);
      return value === undefined ? [] : [`${sample}{${labels(component)}} ${value}`];
    });
  }
  parts.push(
    "# TYPE harbor_component_reported gauge",
    "# HELP harbor_component_reported What a component said of itself with its last heartbeat.",
  );
  await writeEach((component) => {
    const about = labels(component);
    const reported = Object.entries(component.metrics ?? {});
    return reported.map(([metric, value]) => `harbor_component_reported{${about},metric="${escapeLabel(metric)}"} ${value}`);
  });
  parts.push("# TYPE harbor_alerts_firing gauge", "# HELP harbor_alerts_firing Alerts that fire.", `harbor_alerts_firing ${firing}`);
  return `${parts.join("\n")}\n# EOF\n`;
}

function familiesOf({ measures, monitor }: Conductor): Family[] {
  const traffic = (component: Component) => measures.traffic.of(component.id);
  return [
    { name: "harbor_component_up", type: "gauge", help: "1 where it is healthy.", of: ({ health }) => Number(health.state === "healthy") },
    { name: "harbor_component_missed_heartbeats", type: "gauge", help: "In a row.", of: ({ health }) => health.missed },
    {
      ...{ name: "harbor_component_last_heartbeat_seconds", type: "gauge", unit: "seconds", help: "When it came, since 1970." },
      of: ({ health }) => (health.beatAt === undefined ? undefined : monitor.dateOf(health.beatAt) / 1_000),
    },
    {
      name: "harbor_component_requests",
      type: "counter",
      help: "Requests that were routed to it.",
      of: (component) => traffic(component).requests,
    },
    {
      name: "harbor_component_errors",
      type: "counter",
      help: "Those that failed, or were answered 500 or more.",
      of: (component) => traffic(component).errors,
    },
  ];
}

function labels({ id, name }: Component): string {
  return `component_id="${escapeLabel(id)}",component="${escapeLabel(name)}"`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
