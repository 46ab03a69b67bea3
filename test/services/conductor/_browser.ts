/** A real Chromium for tests: one for a file, a page of its own for each test, and what it did that it should not have done. */
import { afterAll } from "bun:test";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Visit {
  readonly page: Page;
  /** Where it asked anything, each once. */
  readonly origins: Set<string>;
  /** Scripts that failed, what its policy forbade, dialogs that were opened. */
  readonly faults: string[];
}

/** To be called once in each file. */
export function useBrowser(): (url: string, options?: BrowserContextOptions) => Promise<Visit> {
  let browser: Promise<Browser> | undefined;
  afterAll(async () => {
    await (await browser)?.close();
  });
  return async (url, options = {}) => {
    browser ??= launch();
    const page = await (await browser).newPage({ reducedMotion: "reduce", ...options });
    page.setDefaultTimeout(4_000);
    const [origins, faults] = [new Set<string>(), [] as string[]];
    page.on("request", (request) => request.url().startsWith("data:") || origins.add(new URL(request.url()).origin));
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("dialog", (dialog) => {
      faults.push(dialog.message());
      void dialog.dismiss();
    });
    // an answer that is no 200 is said there as well, and is nobody's fault
    page.on(
      "console",
      (message) => message.type() === "error" && !/Failed to load resource|net::ERR/.test(message.text()) && faults.push(message.text()),
    );
    await page.goto(url);
    return { page, origins, faults };
  };
}

async function launch(): Promise<Browser> {
  const executablePath = ["chromium", "chromium-browser", "google-chrome"].map((name) => Bun.which(name)).find((path) => path !== null);
  if (executablePath === undefined)
    throw new Error("The dashboard is tested in a real browser, and there is none: apt-get install chromium");
  return chromium.launch({ executablePath, args: FLAGS });
}
