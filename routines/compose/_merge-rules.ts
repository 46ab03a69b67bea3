/**
 * The table of merge rules: a place in a compose file → how two values there become one. What is not in it follows
 * the default: maps key by key, lists one after the other, scalars replaced, null keeps what was there.
 * Source: the compose specification, "Merge and override"; where it is silent, what `docker compose config` does.
 */
import {
  canonicalBuild,
  canonicalContexts,
  canonicalDependencies,
  canonicalDns,
  canonicalEnvFile,
  canonicalGpus,
  canonicalNetworks,
  canonicalResource,
  canonicalSsh,
} from "./_canonical.ts";
import { byDeviceTarget, byMountTarget, byPath, byPort, byText, byVolumeTarget } from "./_merge-items.ts";
import {
  keyedList,
  keyedSequence,
  keyOfPair,
  mergeDependencies,
  mergeHosts,
  mergeNetworks,
  mergeSequence,
  sequence,
} from "./_merge-mixed.ts";
import { mergeBuild, mergeIpam, mergeLogging, replace } from "./_merge-special.ts";
import { type Rule, RulePlace } from "./_merge-tree.ts";

export const RULES: Record<string, Rule> = {
  // Replaced, also by null.
  "services.*.command": { merge: replace },
  "services.*.entrypoint": { merge: replace },
  "services.*.healthcheck.test": { merge: replace },
  "services.*.ulimits.*": { merge: replace },

  // A list or a map: by the name before `=`.
  "services.*.annotations": keyedSequence,
  "services.*.build.additional_contexts": { ...keyedSequence, canonical: canonicalContexts },
  "services.*.build.args": keyedSequence,
  "services.*.build.labels": keyedSequence,
  "services.*.deploy.labels": keyedSequence,
  "services.*.environment": keyedSequence,
  "services.*.labels": keyedSequence,
  "services.*.sysctls": keyedSequence,
  "networks.*.labels": keyedSequence,
  "volumes.*.labels": { ...sequence, isDistinct: true },
  "configs.*.labels": { isDistinct: true },
  "secrets.*.labels": { isDistinct: true },
  "services.*.extra_hosts": { merge: mergeHosts },
  "services.*.build.extra_hosts": { merge: mergeHosts },
  "services.*.depends_on": { merge: mergeDependencies, canonical: canonicalDependencies },
  "services.*.networks": { merge: mergeNetworks, canonical: canonicalNetworks },

  // A text or a list.
  "services.*.dns": { merge: mergeSequence, unique: { key: keyOfPair }, canonical: canonicalDns },
  "services.*.dns_opt": keyedSequence,
  "services.*.dns_search": keyedSequence,
  "services.*.tmpfs": keyedSequence,
  "services.*.env_file": { merge: mergeSequence, unique: byPath, canonical: canonicalEnvFile },
  "services.*.label_file": sequence,
  "services.*.gpus": { canonical: canonicalGpus },

  // Lists in which a thing stands once, at its first place with its last value.
  "services.*.ports": { unique: byPort },
  "services.*.volumes": { unique: byVolumeTarget },
  "services.*.devices": { unique: byDeviceTarget },
  "services.*.configs": { unique: byMountTarget("") },
  "services.*.secrets": { unique: byMountTarget("/run/secrets") },
  "services.*.expose": { unique: byText },
  "services.*.build.tags": keyedList,
  "services.*.cap_add": keyedList,
  "services.*.cap_drop": keyedList,
  "services.*.links": keyedList,
  "services.*.networks.*.aliases": keyedList,
  "services.*.networks.*.link_local_ips": keyedList,
  "services.*.profiles": keyedList,

  // Rules of their own.
  "services.*.build": { merge: mergeBuild, canonical: canonicalBuild },
  "services.*.build.ssh": { canonical: canonicalSsh },
  "services.*.logging": { merge: mergeLogging },
  "networks.*.ipam.config": { merge: mergeIpam },

  // `external: {name: x}` is the older spelling of `external: true, name: x`.
  "networks.*": { canonical: canonicalResource },
  "volumes.*": { canonical: canonicalResource },
  "configs.*": { canonical: canonicalResource },
  "secrets.*": { canonical: canonicalResource },
};

/** The table as a tree. */
export const COMPOSE = RulePlace.of(RULES);
