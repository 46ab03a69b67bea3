/**
 * Tells people of an alert: a webhook, Slack, mail, the desktop. Programs are told of each component, people of all at once: a disk that is
 * full is one mail, however many components stand on it. What may go better later is tried three times; what does not arrive is said.
 */
import type { Channel, Notice } from "./alerts.ts";
import { sendMail } from "./smtp.ts";

export interface NotifyOptions {
  /** `smtp://…`, or empty: no mail. */
  readonly smtpUrl: string;
  readonly mailFrom: string;
  readonly failed: (channel: Channel["type"], notice: Notice, reason: string) => void;
  /** Before the second and the third attempt. */
  readonly pausesMs?: readonly number[];
}

/** Why something was not sent, and whether it might be another time. */
interface Failure {
  readonly reason: string;
  readonly isLasting: boolean;
}

/** What is told at once: of one alert, one kind. */
type Group = readonly [Notice, ...Notice[]];

const PAUSES_MS = [1_000, 10_000];
const TIMEOUT_MS = 10_000;
/** Under way at once; the others wait for their turn. */
const AT_ONCE = 20;
/** Beyond that something is wrong that more notices do not mend. */
const WAITING = 10_000;
/** Lines in a text for people. */
const SHOWN = 20;
/** Answers after which another attempt may go better (RFC 9110, 15.5 and 15.6; RFC 6585). */
const PASSING = new Set([408, 425, 429]);

export class Notifier {
  readonly #options: NotifyOptions;
  readonly #waiting: (() => Promise<void>)[] = [];
  /** By whom is told what: the end of an alert comes after its beginning, however often that had to be tried. */
  readonly #last = new Map<string, Promise<void>>();
  #underWay = 0;

  constructor(options: NotifyOptions) {
    this.#options = options;
  }

  /** All channels of the alerts, side by side. */
  async tell(notices: readonly Notice[]): Promise<void> {
    const groups = Map.groupBy(notices, ({ rule, kind }) => `${kind} ${rule.name}`).values() as Iterable<Group>;
    const jobs = [...groups].flatMap((group) => group[0].rule.channels.flatMap((channel) => this.#jobsFor(channel, group)));
    await Promise.all(jobs);
  }

  #jobsFor(channel: Channel, group: Group): Promise<void>[] {
    const parts: readonly Group[] = channel.type === "webhook" ? group.map((notice) => [notice]) : [group];
    return parts.map((part) => {
      const key = JSON.stringify([channel, part[0].rule.name, channel.type === "webhook" ? part[0].componentId : ""]);
      if (this.#waiting.length < WAITING) return this.#inOrder(key, () => this.#inTurn(() => this.#tellBy(channel, part)));
      this.#options.failed(channel.type, part[0], `${WAITING} others wait`);
      return Promise.resolve();
    });
  }

  async #inOrder(key: string, job: () => Promise<void>): Promise<void> {
    const before = this.#last.get(key);
    const turn = before === undefined ? job() : before.then(job, job);
    this.#last.set(key, turn);
    try {
      await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }

  #inTurn(job: () => Promise<void>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push(() => job().then(resolve, reject));
    this.#next();
    return promise;
  }

  #next(): void {
    if (this.#underWay >= AT_ONCE) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    this.#underWay++;
    void job().finally(() => {
      this.#underWay--;
      this.#next();
    });
  }

  async #tellBy(channel: Channel, group: Group): Promise<void> {
    const { failed, pausesMs = PAUSES_MS } = this.#options;
    for (const pause of [...pausesMs, undefined]) {
      const failure = await this.#send(channel, group).catch((error: Error) => passing(error.message));
      if (failure === undefined) return;
      if (pause === undefined || failure.isLasting) return failed(channel.type, group[0], failure.reason);
      await Bun.sleep(pause);
    }
  }

  async #send(channel: Channel, group: Group): Promise<Failure | undefined> {
    switch (channel.type) {
      case "webhook":
        return post(channel.url, describe(group[0]));
      case "slack":
        return post(channel.url, { text: escapeForSlack(textOf(group)) });
      case "email": {
        const { smtpUrl, mailFrom: from } = this.#options;
        if (smtpUrl === "") return lasting("conductor.smtp_url is not set");
        await sendMail(new URL(smtpUrl), { from, to: channel.to, subject: headlineOf(group), text: textOf(group) });
        return undefined;
      }
      case "desktop":
        return showOnDesktop(headlineOf(group), textOf(group));
    }
  }
}

const passing = (reason: string): Failure => ({ reason, isLasting: false });
const lasting = (reason: string): Failure => ({ reason, isLasting: true });

async function post(url: string, body: object): Promise<Failure | undefined> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    // where it says something else is not where the operator wanted it to go
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: Error & { code?: string }) => error.code ?? error.name);
  // the URL is a secret, and stands in what the error says
  if (typeof answer === "string") return passing(`it could not be reached (${answer})`);
  await answer.body?.cancel();
  if (answer.ok) return undefined;
  const reason = `it answered ${answer.status}`;
  return answer.status >= 500 || PASSING.has(answer.status) ? passing(reason) : lasting(reason);
}

/** & < > are the only ones that mean something there (https://docs.slack.dev/messaging/formatting-message-text). */
function escapeForSlack(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** Text as arguments, never as a script, and none of it an option. */
async function showOnDesktop(title: string, text: string): Promise<Failure | undefined> {
  const script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";
  // its body may have markup (https://specifications.freedesktop.org/notification-spec, "Markup")
  const plain = text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const command =
    process.platform === "darwin" ? ["osascript", "-e", script, title, text] : ["notify-send", "--app-name=Harbor", "--", title, plain];
  if (Bun.which(command[0] ?? "") === null) return lasting(`there is no ${command[0]} here`);
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore", timeout: TIMEOUT_MS });
  const code = await child.exited;
  return code === 0 ? undefined : passing(`${command[0]} ended with ${code}`);
}

/** As a webhook has it. */
function describe({ kind, rule, componentId, values, since }: Notice): object {
  return {
    ...{ event: `alert-${kind}`, alert_name: rule.name, severity: rule.severity, condition: rule.condition },
    ...{ component_id: componentId, values, since: new Date(since).toISOString() },
  };
}

function headlineOf(group: Group): string {
  const [{ kind, rule, componentId }] = group;
  const who = group.length === 1 ? componentId : `${group.length} components`;
  return `${kind === "firing" ? rule.severity.toUpperCase() : "resolved"}: ${rule.name} (${who})`;
}

function textOf(group: Group): string {
  const lines = group.slice(0, SHOWN).map(({ componentId, values, since }) => {
    const measured = Object.entries(values).map(([name, value]) => `${name} is ${value}`);
    return [componentId, ...measured, `since ${new Date(since).toISOString()}`].join(", ");
  });
  const more = group.length > SHOWN ? [`and ${group.length - SHOWN} more`] : [];
  return [headlineOf(group), group[0].rule.condition, ...lines, ...more].join("\n");
}
