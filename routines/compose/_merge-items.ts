/**
 * How compose tells the items of ports, volumes, devices, mounts and env files apart. Everything is read off the
 * interpolated text; the item itself stays as it was written.
 */
import { RawScalar } from "../_script/yaml.ts";
import { isMap, type Merging, type Slot, type Unique } from "./_merge-tree.ts";
import { type PortBinding, parsePorts } from "./_parse-ports.ts";
import { parseVolume } from "./_parse-volume.ts";
import { escapeDollars } from "./interpolate.ts";

/** ports: by address, published port, target and protocol; a range is one slot for each of its ports. */
export const byPort: Unique = { key: portKey, slots: portSlots };

/** volumes: by the path in the container. */
export const byVolumeTarget: Unique = { key: volumeTarget, slots: volumeSlots };

/** devices: by the path in the container. */
export const byDeviceTarget: Unique = { key: deviceTarget, slots: deviceSlots };

/** configs and secrets: by their path in the container. */
export function byMountTarget(folder: string): Unique {
  return {
    key: (item, merging) => {
      if (!isMap(item)) return `${folder}/${merging.text(item)}`;
      if (Object.hasOwn(item, "target")) return merging.text(item.target);
      return `${folder}/${Object.hasOwn(item, "source") ? merging.text(item.source) : ""}`;
    },
  };
}

/** env_file: by the path as it is given. */
export const byPath: Unique = {
  key: (item, merging) => {
    if (!isMap(item)) return merging.text(item);
    return Object.hasOwn(item, "path") ? merging.text(item.path) : merging.fail('an env file without "path"');
  },
};

/** expose: a number and its text are the same port. */
export const byText: Unique = { key: (item, merging) => merging.text(item) };

function portKey(item: unknown, merging: Merging): string {
  if (!isMap(item)) return merging.text(item);
  if (!Object.hasOwn(item, "target")) return merging.fail('a port without "target"');
  const field = (name: string, otherwise: string): string => (Object.hasOwn(item, name) ? merging.text(item[name]) : otherwise);
  // Compose tells a published port written as a number from one written as text.
  const isNumber = typeof item.published === "number" || item.published instanceof RawScalar;
  const published = isNumber ? `int=${merging.text(item.published)}` : field("published", "none");
  return `${field("host_ip", "0.0.0.0")}:${published}:${merging.text(item.target)}/${field("protocol", "tcp")}`;
}

function portSlots(item: unknown, merging: Merging): Slot[] {
  if (isMap(item)) return [{ key: portKey(item, merging), item }];
  const bindings = parsePorts(merging.text(item));
  if (bindings === undefined) return [{ key: `unreadable ${merging.text(item)}`, item }]; // compose will refuse it
  return bindings.map((binding, index) => {
    const long = longPort(binding);
    return { key: portKey(long, merging), item, part: { index, count: bindings.length, long } };
  });
}

function longPort(binding: PortBinding): Record<string, unknown> {
  const long: Record<string, unknown> = { mode: "ingress" };
  if (binding.hostIp !== "") long.host_ip = binding.hostIp;
  long.target = binding.target;
  if (binding.published !== "") long.published = binding.published;
  long.protocol = binding.protocol;
  return long;
}

function volumeTarget(item: unknown, merging: Merging): string {
  if (isMap(item)) return Object.hasOwn(item, "target") ? merging.text(item.target) : merging.fail('a volume without "target"');
  return parseVolume(merging.text(item))?.target ?? merging.fail("a volume that cannot be read");
}

/** Compose cleans the target of a short spelling (`/a/` is `/a`) once the file has been merged. */
function volumeSlots(item: unknown, merging: Merging): Slot[] {
  const written = volumeTarget(item, merging);
  if (isMap(item)) return [{ key: written, item }];
  const key = cleanTarget(written);
  if (key === written) return [{ key, item }];
  const { source, options } = parseVolume(merging.text(item)) ?? { source: "", options: "" };
  if (source === "") return [{ key, item: { type: "volume", target: escapeDollars(key), volume: {} } }];
  const parts = [source, key, options].filter((part) => part !== "");
  return [{ key, item: escapeDollars(parts.join(":")) }];
}

function cleanTarget(target: string): string {
  if (!target.includes("//") && !target.includes("/.") && !target.endsWith("/") && !target.startsWith(".")) return target;
  const { posix } = require("node:path") as typeof import("node:path");
  const clean = posix.normalize(target);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}

function deviceTarget(item: unknown, merging: Merging): string {
  if (isMap(item)) return Object.hasOwn(item, "target") ? merging.text(item.target) : merging.fail('a device without "target"');
  const parts = merging.text(item).split(":");
  return parts[1] ?? parts[0] ?? "";
}

function deviceSlots(item: unknown, merging: Merging): Slot[] {
  const key = deviceTarget(item, merging);
  if (isMap(item) || key !== "") return [{ key, item }];
  const [source = "", , ...rest] = merging.text(item).split(":");
  return [{ key: source, item: escapeDollars([source, source, ...rest].join(":")) }];
}
