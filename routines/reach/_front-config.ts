/**
 * What a front is told: haproxy in front of one service, which lets in who knows the password. Pure text; it holds secrets, and
 * is a file that its owner alone can read.
 */
import { createHash } from "node:crypto";

export interface FrontConfigOptions {
  handle: string;
  /** Address and port that it listens on; every address where it is empty. */
  listens: { address: string; port: number };
  /** Path of a PEM file with certificate and key; left out where TLS ends before it. */
  certificate?: string | undefined;
  /** Where the service is, from the container. */
  target: { host: string; port: number };
  login: Login;
  /** What the service is called in its requests; as who asks called it, where left out. */
  hostHeader?: string | undefined;
}

export interface Login {
  user: string;
  password: string;
  /** What a browser is given once it has logged in: a secret of this front alone. */
  session: string;
}

/** For programs that need the Authorization header for a key of the service's own. */
export const PASSWORD_HEADER = "x-harbor-password";

/**
 * Four ways in: user and password as browsers ask for them, the password as a bearer token or in a header of its own for
 * programs, and the cookie that the first of them sets. Without that a page whose own requests have a token of their own could
 * not be used: there is one such header. All are compared by their hashes, so that no time is told and a request costs nothing.
 */
export function frontConfig(options: FrontConfigOptions): string {
  const { handle, listens, certificate, target, login, hostHeader } = options;
  const cookie = cookieName(handle);
  const bind = `${listens.address === "" ? "" : listens.address.includes(":") ? `[${listens.address}]` : listens.address}:${listens.port}`;
  const basic = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`;
  return `# Written by Harbor for ${handle}; made anew at each start.
global
  maxconn 4096
  no strict-limits
  nbthread 2
  tune.bufsize 65536
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  timeout connect 5s
  timeout http-request 30s
  timeout http-keep-alive 2m
  timeout client 24h
  timeout server 24h
  timeout tunnel 24h
  timeout client-fin 10s
  option http-no-delay
  option clitcpka
frontend front
  bind ${bind}${certificate === undefined ? "" : ` ssl crt ${certificate} alpn http/1.1`}
  acl has_session req.cook(${cookie}),sha2(256),hex -m str ${hashOf(login.session)}
  acl has_password req.hdr(authorization),sha2(256),hex -m str ${hashOf(basic)}
  acl has_token req.hdr(authorization),sha2(256),hex -m str ${hashOf(`Bearer ${login.password}`)}
  acl has_header req.hdr(${PASSWORD_HEADER}),sha2(256),hex -m str ${hashOf(login.password)}
  http-request set-var(txn.login) bool(true) if has_password
  http-request return status 401 content-type text/plain string "Log in as ${login.user}, or send the password as a bearer token." hdr WWW-Authenticate "Basic realm=\\"${handle}\\", charset=\\"UTF-8\\"" hdr Cache-Control no-store if !has_session !has_password !has_token !has_header
  http-request del-header Authorization if has_password or has_token
  http-request del-header ${PASSWORD_HEADER}
  http-request replace-header Cookie ^(.*;)?\\s*${cookie}=[^;]*(;.*)?$ \\1\\2
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto https
${certificate === undefined ? "" : "  http-request set-header X-Forwarded-For %[src]\n"}${hostHeader === undefined ? "" : `  http-request set-header Host ${hostHeader}\n`}  http-response add-header Set-Cookie "${cookie}=${login.session}; Path=/; HttpOnly; Secure; SameSite=Lax" if { var(txn.login) -m bool }
  default_backend service
backend service
  http-reuse never
  server service ${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}
`;
}

/** One of a host has many: its cookies are those of all its ports. */
function cookieName(handle: string): string {
  return `harbor-${handle}`;
}

/** As haproxy writes one. */
function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").toUpperCase();
}
