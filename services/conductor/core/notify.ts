/** Tells people of an alert: a webhook, Slack, mail, the desktop. Tried three times; what does not arrive is said. */
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

const PAUSES_MS = [1_000, 10_000];
const TIMEOUT_MS = 10_000;
/** Under way at once; beyond that something is wrong that more notices do not mend. */
const AT_ONCE = 100;

export class Notifier {
  readonly #options: NotifyOptions;
  #underWay = 0;

  constructor(options: NotifyOptions) {
    this.#options = options;
  }

  /** All channels of the alert, side by side. */
  async tell(notice: Notice): Promise<void> {
    await Promise.all(notice.rule.channels.map((channel) => this.#tellBy(channel, notice)));
  }

  async #tellBy(channel: Channel, notice: Notice): Promise<void> {
    const { failed, pausesMs = PAUSES_MS } = this.#options;
    if (this.#underWay >= AT_ONCE) return failed(channel.type, notice, `${AT_ONCE} others are under way`);
    this.#underWay++;
    try {
      for (const pause of [...pausesMs, undefined]) {
        const reason = await this.#send(channel, notice).catch((error: Error) => error.message);
        if (reason === undefined) return;
        if (pause === undefined) failed(channel.type, notice, reason);
        else await Bun.sleep(pause);
      }
    } finally {
      this.#underWay--;
    }
  }

  /** Undefined, or why it could not be sent. */
  async #send(channel: Channel, notice: Notice): Promise<string | undefined> {
    switch (channel.type) {
      case "webhook":
        return post(channel.url, describe(notice));
      case "slack":
        // & < > are the only ones that mean something there
        return post(channel.url, { text: textOf(notice).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;") });
      case "email": {
        const { smtpUrl, mailFrom: from } = this.#options;
        if (smtpUrl === "") return "conductor.smtp_url is not set";
        await sendMail(new URL(smtpUrl), { from, to: channel.to, subject: headlineOf(notice), text: textOf(notice) });
        return undefined;
      }
      case "desktop":
        return showOnDesktop(headlineOf(notice), textOf(notice));
    }
  }
}

async function post(url: string, body: object): Promise<string | undefined> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: Error & { code?: string }) => error.code ?? error.name);
  // the URL is a secret, and stands in what the error says
  if (typeof answer === "string") return `it could not be reached (${answer})`;
  await answer.body?.cancel();
  return answer.ok ? undefined : `it answered ${answer.status}`;
}

/** Text as arguments, never as a script. */
async function showOnDesktop(title: string, text: string): Promise<string | undefined> {
  const script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";
  const command =
    process.platform === "darwin" ? ["osascript", "-e", script, title, text] : ["notify-send", "--app-name=Harbor", "--", title, text];
  if (Bun.which(command[0] ?? "") === null) return `there is no ${command[0]} here`;
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore", timeout: TIMEOUT_MS });
  const code = await child.exited;
  return code === 0 ? undefined : `${command[0]} ended with ${code}`;
}

function describe({ kind, rule, componentId, values, since }: Notice): object {
  return {
    ...{ event: `alert-${kind}`, alert_name: rule.name, severity: rule.severity, condition: rule.condition },
    ...{ component_id: componentId, values, since: new Date(since).toISOString() },
  };
}

function headlineOf({ kind, rule, componentId }: Notice): string {
  return `${kind === "firing" ? rule.severity.toUpperCase() : "resolved"}: ${rule.name} (${componentId})`;
}

function textOf(notice: Notice): string {
  const values = Object.entries(notice.values).map(([name, value]) => `${name} is ${value}`);
  return [headlineOf(notice), notice.rule.condition, ...values, `since ${new Date(notice.since).toISOString()}`].join("\n");
}
