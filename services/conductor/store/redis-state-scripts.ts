/**
 * Shared state's Lua. Keys under `prefix`:
 *
 *   state:<key>    the value as JSON, a plain string with Redis's own expiry: what programs read and write that know nothing of us.
 *                  Each change is also published on the channel of that name: the JSON, or nothing for one that is gone
 *   state-meta     hash key → "<version> <updatedAt> <expiresAt or 0> <SHA-1 of the value>"
 *   state-index    sorted set of all keys, in the order of their bytes
 *   state-changes  stream of {key, version, and value, updated, expires where it is not gone}: what watchers follow
 *   revision       the last version that was given
 *
 * A value whose sum is not the one of `state-meta` was written by another program; whoever sees it first gives it a version (`adopt`).
 */
import { makeScript, type Script } from "./redis-link.ts";

/** Changes that a watcher who was away can catch up with one by one. */
const MAX_CHANGES = 10_000;

const COMMON = `
local call = redis.call
local P = ARGV[1] .. ':'
local META, INDEX, CHANGES, REVISION = P .. 'state-meta', P .. 'state-index', P .. 'state-changes', P .. 'revision'

local function whole(n) return string.format('%.0f', n) end

local function recordGone(key)
  call('HDEL', META, key)
  call('ZREM', INDEX, key)
  call('XADD', CHANGES, 'MAXLEN', '~', ${MAX_CHANGES}, '*', 'key', key, 'version', whole(call('INCR', REVISION)))
end

-- {key, value, version, updated, expires}
local function record(key, value, now, expires)
  local version, updated = whole(call('INCR', REVISION)), whole(now)
  call('HSET', META, key, table.concat({ version, updated, expires, redis.sha1hex(value) }, ' '))
  call('ZADD', INDEX, 0, key)
  call('XADD', CHANGES, 'MAXLEN', '~', ${MAX_CHANGES}, '*', 'key', key, 'version', version, 'value', value, 'updated', updated, 'expires', expires)
  return { key, value, version, updated, expires }
end

-- the entry as it is now, with a version of its own where another program wrote it; nil where there is none
local function adopt(key, now)
  local value = redis.pcall('GET', P .. 'state:' .. key)
  local meta = call('HGET', META, key)
  if type(value) ~= 'string' then
    if meta then recordGone(key) end
    return nil
  end
  if meta then
    local version, updated, expires, sum = string.match(meta, '^(%d+) (%d+) (%d+) (%x+)$')
    if sum == redis.sha1hex(value) then return { key, value, version, updated, expires } end
  end
  local left = call('PTTL', P .. 'state:' .. key)
  return record(key, value, now, left > 0 and whole(now + left) or '0')
end

-- as adopt, without one whose time is over by the clock of the caller
local function current(key, now)
  local entry = adopt(key, now)
  if entry and entry[5] ~= '0' and tonumber(entry[5]) <= now then return nil end
  return entry
end

local function matches(entry, wanted) return wanted == '' or wanted == (entry and entry[3] or '0') end
`;

function script(text: string): Script {
  return makeScript(`${COMMON}\n${text}`);
}

/** prefix, now, key → the entry, flat */
export const GET = script("return current(ARGV[3], tonumber(ARGV[2])) or {}");

/** prefix, now, key, value, wanted version or "", time to live or "" → the entry, flat; nothing where the version is another */
export const PUT = script(`
local now, key, value, ttl = tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[6]
if not matches(current(key, now), ARGV[5]) then return {} end
if ttl == '' then call('SET', P .. 'state:' .. key, value) else call('SET', P .. 'state:' .. key, value, 'PX', ttl) end
local entry = record(key, value, now, ttl == '' and '0' or whole(now + tonumber(ttl)))
call('PUBLISH', P .. 'state:' .. key, value)
return entry
`);

/** prefix, now, key, wanted version or "" → 1; 0 where there is none; -1 where the version is another */
export const DELETE = script(`
local key = ARGV[3]
local entry = current(key, tonumber(ARGV[2]))
if not matches(entry, ARGV[4]) then return -1 end
if not entry then return 0 end
call('DEL', P .. 'state:' .. key)
recordGone(key)
call('PUBLISH', P .. 'state:' .. key, '')
return 1
`);

/** prefix, now, beginning of the keys, after this one or "", limit → the entries, flat */
export const LIST = script(`
local now, beginning, limit = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[5])
local start = ARGV[4] > beginning and '(' .. ARGV[4] or '[' .. beginning
local answer = {}
while #answer < 5 * limit do
  local keys = call('ZRANGEBYLEX', INDEX, start, '(' .. beginning .. '\\255', 'LIMIT', 0, limit)
  for _, key in ipairs(keys) do
    start = '(' .. key
    local entry = current(key, now)
    if entry and #answer < 5 * limit then
      for _, part in ipairs(entry) do answer[#answer + 1] = part end
    end
  end
  if #keys < limit then break end
end
return answer
`);

/** prefix, now, keys…: gives a version to what other programs wrote, and notices what they deleted and what is over */
export const ADOPT = script(`
for i = 3, #ARGV do adopt(ARGV[i], tonumber(ARGV[2])) end
`);

/** prefix → the newest change's id in the stream and its version, of one moment */
export const LATEST = script(`
local newest = call('XREVRANGE', CHANGES, '+', '-', 'COUNT', 1)[1]
return { newest and newest[1] or '0-0', call('GET', REVISION) or '0' }
`);
