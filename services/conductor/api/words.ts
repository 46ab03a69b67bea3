/** What several routes read in the same way. */

export const COMPONENT_ID = { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,70}$/, words: 'a component\'s id, as in "sherlock-hub-001"' };
