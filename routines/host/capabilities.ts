/** The capabilities that Harbor knows by itself. A user may select others by name. */
export const BUILT_IN_CAPABILITIES = ["nvidia", "cdi", "rocm", "mdc", "build"] as const;
