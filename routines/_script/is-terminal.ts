/** Whether somebody sits at the other end. node:tty takes 8 ms to load, which no verb should that asks nothing. */

/** Of a file descriptor: 0 is stdin. */
export function isTerminal(fd: number): boolean {
  const { isatty } = require("node:tty") as typeof import("node:tty");
  return isatty(fd);
}
