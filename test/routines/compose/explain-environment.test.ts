import { describe, expect, test } from "bun:test";
import { explainEnvironment } from "../../../routines/compose/explain-environment.ts";
import { makePlan } from "../../../routines/compose/make-plan.ts";
import { makeTree } from "../../_workspace.ts";

const FILES = {
  "compose.web.yml":
    "services:\n  web:\n    image: w\n    env_file: [a.env, { path: ./none.env, required: false }]\n    environment: [ONE=1, 'AUTH: x=Bearer ${API_KEY}', MY_TOKEN, NOT_SET, \"LEVEL=${LEVEL:-low}\"]\n    depends_on: [nat]\n  web-db: { image: d, environment: { DB_PASSWORD: pw, URL: 'pg://u:hush@db' } }\n",
  "compose.x.web.nat.yml": "services:\n  web: { environment: { ONE: cross } }\n  nat: { environment: { CROSS: '1' } }\n",
  "compose.nat.yml": "services:\n  nat: { image: n }\n",
  "nat/nat_native.yml":
    "x-harbor-native: { executable: sleep, port: 9001, env: { OWN: 'x-${API_KEY}-y', LANG: mine }, env_vars: [LEVEL], env_overrides: { NAT_URL: 'http://n:1' } }\n",
  "a.env": "FROM_FILE=f-${LEVEL}\nONE=below\n",
};

async function explain(handle: string, native: boolean, showsSecrets = false) {
  const root = makeTree(FILES);
  const home = makeTree({ "config.env": "LEVEL=high\n" });
  const args = {
    names: ["web", "nat"],
    exclude: native ? ["nat"] : [],
    container: [],
    native: false,
    capability: [],
    "no-defaults": false,
  };
  const shell = { HARBOR_HOME: home, HARBOR_CAPABILITIES_AUTODETECT: "false", API_KEY: "s3cret", MY_TOKEN: "t0ken" };
  const made = await makePlan({ args: { ...args, workspace: root }, env: shell, bridge: "socket" });
  const environment = { PATH: "/bin", LANG: "C", LC_ALL: "C", MY_OWN_SECRET: "shell" };
  const services = explainEnvironment({ made, handle, environment, showsSecrets });
  const short = (path: string): string => path.replace(`${root}/`, "").replace(`${home}/`, "~/");
  return services.map((it) => ({
    ...it,
    variables: it.variables.map(({ name, value, origin }) => [name, value, short(origin)].join(" | ")),
  }));
}

describe("explainEnvironment", () => {
  test("shows each variable of a process with its origin, and nothing of the shell's own", async () => {
    expect(await explain("nat", true)).toEqual([
      {
        service: "nat",
        runtime: "native",
        variables: [
          "CROSS | 1 | compose.x.web.nat.yml",
          "LANG | mine | nat/nat_native.yml",
          "LC_ALL | C | host",
          "LEVEL | high | ~/config.env",
          "OWN | x-********-y | nat/nat_native.yml",
          "PATH | /bin | host",
        ],
      },
    ]);
  });

  test("shows those of each container: of env files, files in merge order, the configuration, and natives", async () => {
    const [web, db] = await explain("web", true);
    expect(web?.variables).toEqual([
      "AUTH: x | Bearer ******** | compose.web.yml",
      "FROM_FILE | f-high | a.env",
      "LEVEL | high | compose.web.yml",
      "MY_TOKEN | ******** | environment",
      "NAT_URL | http://n:1 | nat/nat_native.yml",
      "ONE | cross | compose.x.web.nat.yml",
    ]);
    expect(db?.variables).toEqual(["DB_PASSWORD | ******** | compose.web.yml", "URL | pg://u:********@db | compose.web.yml"]);
  });

  test("shows secrets where they are asked for", async () => {
    const [web] = await explain("web", true, true);
    expect(web?.variables).toContain("MY_TOKEN | t0ken | environment");
    expect(web?.variables).toContain("AUTH: x | Bearer s3cret | compose.web.yml");
  });

  test("has no part of a native for one in a container, and nothing for what is not there", async () => {
    expect((await explain("web", false))[0]?.variables.join()).not.toContain("NAT_URL");
    expect((await explain("nat", false))[0]?.variables).toEqual(["CROSS | 1 | compose.x.web.nat.yml"]);
    expect(await explain("other", false)).toEqual([]);
  });
});
