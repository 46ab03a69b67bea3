/* The dashboard: follows the conductor, asks for a token where one is needed, and what hands do. */
import { ask, pause, Refused, ROWS, session, watch } from "./asking.js";
import { board, setIcon, show } from "./board.js";
import { showRows } from "./rows.js";
import { at, clockTime, say } from "./words.js";

const AGAIN_MS = 2_000;
/** A tab that nobody looks at holds no stream open: a browser has six connections to one place, for all its tabs. */
const HIDDEN_MS = 10_000;

/** How it is now, and a long pause. */
async function glance() {
  show(await (await ask(`/dashboard?limit=${ROWS}`)).json());
  // it may be looked at again by now
  if (document.hidden) await pause(HIDDEN_MS);
}

async function follow() {
  for (;;) {
    try {
      if (document.hidden) {
        await glance();
        continue;
      }
      await watch(show);
      if (document.hidden) continue;
      lose("The conductor has ended the connection");
    } catch (error) {
      if (error instanceof Refused) return askForToken(error.message);
      lose(error instanceof TypeError ? "The conductor does not answer" : error.message);
    }
    await pause(AGAIN_MS);
  }
}

function lose(reason) {
  const since = board.shownAt === undefined ? "" : `; shown is how it was at ${clockTime(board.shownAt)}`;
  say(at("link"), `${reason}${since}. Trying again.`, "away");
  setIcon("idle");
  document.title = "Away · Conductor";
}

function askForToken(reason) {
  const wasRefused = session.token !== "";
  session.forget();
  at("board").hidden = true;
  at("leave").hidden = true;
  at("ask").hidden = false;
  say(at("link"), "no token", "");
  say(at("note"), wasRefused ? `${reason}.` : "");
  document.title = "Conductor";
  at("token").value = "";
  at("token").focus();
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = at("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) return say(at("note"), "A token has no spaces, and nothing but ASCII in it.");
  session.keep(token);
  at("token").value = "";
  at("ask").hidden = true;
  say(at("link"), "connecting", "");
  void follow();
});
at("leave").addEventListener("click", () => {
  session.forget();
  // whatever was shown is gone from the page as well
  location.reload();
});

at("filter").addEventListener("input", () => board.last && showRows(board.last, Date.parse(board.shownAt)));
document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLInputElement;
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && !at("board").hidden) {
    event.preventDefault();
    at("filter").focus();
  } else if (event.key === "Escape" && event.target === at("filter")) {
    at("filter").value = "";
    at("filter").dispatchEvent(new Event("input"));
  }
});

void follow();
