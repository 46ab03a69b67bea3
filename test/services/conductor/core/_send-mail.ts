/** Sends one mail, with the environment of a process of its own: who is trusted is read when it starts. */
import { sendMail } from "../../../../services/conductor/core/smtp.ts";

const [url = ""] = process.argv.slice(2);
try {
  await sendMail(new URL(url), {
    from: "harbor@example.com",
    to: "you@example.com",
    subject: "CRITICAL: höchst (hub-001)",
    text: ".\n. a dot\nend",
  });
} catch (error) {
  process.stdout.write((error as Error).message);
  process.exitCode = 1;
}
