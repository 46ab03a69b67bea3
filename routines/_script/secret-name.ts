/** Which variables hold secrets, by their names, and how such a value is shown. */

/** Shown in place of a secret, whatever its length. */
export const MASK = "********";

/** At the end of a name: in its middle these words count, delay or describe something (`TOKEN_DELAY_MS`). */
const LAST_WORD = /(?:^|_)(?:KEY|KEYS|TOKEN|TOKENS|PASSWORD|PASS|SECRET|SECRETS|SALT|CREDENTIALS?|AUTH)$/;
/** Anywhere in it: `OPENAI_KEY_OLLAMA`, `DB_PASSWORD_2`. */
const ANY_WORD = /(?:^|_)(?:API_?KEY|OPENAI_KEY|PRIVATE_KEY|ACCESS_KEY|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_|$)/;
/** Where a secret lies is none. */
const PLACE = /_(?:FILE|PATH|DIR|FOLDER|URL)$/;

/** Whether a variable's name says that its value is a secret. */
export function isSecretName(name: string): boolean {
  const upper = name.toUpperCase();
  return LAST_WORD.test(upper) || (ANY_WORD.test(upper) && !PLACE.test(upper));
}

/** A value as it may be shown; an empty one is no secret, a URL's password is one under any name. `isSecret` where more than the name tells. */
export function maskSecret(name: string, value: string, isSecret = isSecretName(name)): string {
  if (value === "") return value;
  return isSecret ? MASK : maskUrls(value);
}

/** The passwords of URLs, and a token that stands alone before the host; the user of `ssh://git@host` is none. */
export function maskUrls(text: string): string {
  return text.replace(/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, `$1${MASK}@`).replace(/\b((?:[a-z]+\+)?https?:\/\/)[^\s/:@]+@/gi, `$1${MASK}@`);
}
