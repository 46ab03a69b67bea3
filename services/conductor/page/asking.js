/* Asks the conductor what a program could ask as well. The token is in this tab's session storage, never in a URL. */
const TOKEN = "harbor-conductor-token";
export const ROWS = 1_000;
/** Empty: none, which is enough where the conductor asks for none. */
export const session = {
  token: sessionStorage.getItem(TOKEN) ?? "",
  keep(token) {
    session.token = token;
    sessionStorage.setItem(TOKEN, token);
  },
  forget() {
    session.token = "";
    sessionStorage.removeItem(TOKEN);
  },
};

export class Refused extends Error {}

export async function ask(path, options = {}) {
  const headers = {
    accept: "application/json",
    ...(session.token === "" ? {} : { authorization: `Bearer ${session.token}` }),
    ...options.headers,
  };
  const answer = await fetch(path, { ...options, headers, cache: "no-store" });
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  const message = error?.message ?? `The conductor answers ${answer.status}`;
  throw answer.status === 401 || answer.status === 403 ? new Refused(message) : new Error(message);
}

/** Until the page is hidden, or the stream ends. */
export async function watch(onBoard) {
  const end = new AbortController();
  const onHidden = () => document.hidden && end.abort();
  document.addEventListener("visibilitychange", onHidden);
  try {
    const answer = await ask(`/dashboard?watch=true&limit=${ROWS}`, { headers: { accept: "text/event-stream" }, signal: end.signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (text + value).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        if (block.startsWith("event: dashboard\n")) onBoard(JSON.parse(block.slice(block.indexOf("data: ") + 6)));
      }
    }
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  } finally {
    document.removeEventListener("visibilitychange", onHidden);
  }
}

/** Resolves after that time, or as soon as somebody looks again. */
export function pause(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    document.addEventListener("visibilitychange", done);
  });
}
