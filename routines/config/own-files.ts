/**
 * What of `HARBOR_HOME` is the user's own, beside what services store: by its name there, and what it is. A verb that keeps
 * something else there enters it here: `harbor uninstall` leaves it unless told otherwise, and `harbor backup` saves it, but for `reach`: that
 * vouches for this machine, and another one makes its own.
 */
export const OWN_FILES = {
  "config.env": "your configuration",
  "secrets.env": "your keys, tokens and passwords",
  "secrets.keychain": "names of your secrets in the system's keychain, and what it has under them",
  profiles: "your profiles",
  reach: "passwords and certificates of what others reach",
  "aliases.json": "your aliases",
  env: "variables of single services",
  services: "folders of services that are your own",
} as const;

/** Of these, those that are of no single service, and are saved and put back as they are. */
export const WHOLE_FILES: readonly string[] = ["aliases.json"] satisfies (keyof typeof OWN_FILES)[];
