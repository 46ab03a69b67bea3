/**
 * The queue's Lua, but for what sends (redis-send-script.ts): each script is one step that happens whole or not at all. Keys, all under `base` ("<prefix>:queue"); <pair> is
 * "<n>:<to>:<from>" with the length of `to` as n:
 *
 *   recipients            set of all that have or had messages
 *   last                  number of the newest message (message-id.ts)
 *   once:<n>:<from>:<key> "<id> <at>" of the message that had this idempotency key; n is the length of `from`
 *   bodies:<to>           hash id → "<expiry or nothing>|<JSON>", of all that are not done
 *   list:<pair>           list of the ids that wait, in order; one without a body is dead and is passed over
 *   back:<pair>           sorted set of the ids that came back, by number; all of them are older than what the list has
 *   out:<pair>            hash id → attempt, of those that are in flight
 *   due:<to>              sorted set of the senders whose pair is out, by the end of its time: it is handed out at once or not at all
 *   later:<to>            sorted set of the senders whose pair waits, by the end of that
 *   ready:<to>            sorted set of the senders whose pair may be handed out, by the number of its first message
 *   attempts:<to>         hash id → deliveries so far, of those that came back
 *   expiry:<to>           sorted set of "<id>.<from>" that expire, by when
 *   deaths                list of JSON of {id, from, to, reason, attempts} of those that died and that nobody was told yet
 *   dead:<to>             hash id → JSON of {reason, attempts, diedAt, from}, a line end, the body
 *   died:<to>             sorted set of the ids of these, by when
 *
 * Keys are made in the scripts, so this needs one Redis (with or without replicas), not a cluster.
 */
import { PER_MS } from "./message-id.ts";
import { makeScript, type Script } from "./redis-link.ts";
import { DEATHS_KEPT } from "./store.ts";

/** Many commands take many at once, but Lua's stack has its end. */
const AT_ONCE = 1_000;

const COMMON = `
local call = redis.call

local function keysOf(base, to)
  local pair = #to .. ':' .. to .. ':'
  return {
    list = base .. ':list:' .. pair, back = base .. ':back:' .. pair, out = base .. ':out:' .. pair,
    bodies = base .. ':bodies:' .. to, due = base .. ':due:' .. to, later = base .. ':later:' .. to, ready = base .. ':ready:' .. to,
    attempts = base .. ':attempts:' .. to, expiry = base .. ':expiry:' .. to, dead = base .. ':dead:' .. to, died = base .. ':died:' .. to,
    deaths = base .. ':deaths', to = to,
  }
end

local function writeId(n) return string.format('%.0f-%d', math.floor(n / ${PER_MS}), n % ${PER_MS}) end

local function readId(id)
  local ms, k = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms) * ${PER_MS} + tonumber(k)
end

-- puts the pair where it belongs: ready, or nowhere while it is out, waits, or is empty
local function settle(k, from)
  if call('ZSCORE', k.due, from) then return call('ZREM', k.ready, from) end
  local head = call('ZRANGE', k.back .. from, 0, 0)[1] or call('LINDEX', k.list .. from, 0)
  if not head then call('ZREM', k.later, from) end
  if head and not call('ZSCORE', k.later, from) then return call('ZADD', k.ready, readId(head), from) end
  call('ZREM', k.ready, from)
end

-- after some of its messages came down
local function land(k, from)
  if call('EXISTS', k.out .. from) == 0 then
    call('ZREM', k.due, from)
    settle(k, from)
  end
end

-- of one that is not out any more
local function bury(k, id, from, reason, attempts, now)
  local body = call('HGET', k.bodies, id)
  if not body then return end
  local head = cjson.encode({ reason = reason, attempts = tostring(attempts), diedAt = string.format('%.0f', now), from = from })
  call('HSET', k.dead, id, head .. '\\n' .. body)
  call('ZADD', k.died, now, id)
  call('RPUSH', k.deaths, cjson.encode({ id = id, from = from, to = k.to, reason = reason, attempts = tonumber(attempts) }))
  call('LTRIM', k.deaths, -${DEATHS_KEPT}, -1)
  call('HDEL', k.bodies, id)
  call('HDEL', k.attempts, id)
  call('ZREM', k.expiry, id .. '.' .. from)
end

-- true where it was once too often
local function giveBack(k, id, attempt, from, maxAttempts, now)
  if attempt >= maxAttempts then
    bury(k, id, from, 'attempts', attempt, now)
    return true
  end
  call('ZADD', k.back .. from, readId(id), id)
  call('HSET', k.attempts, id, attempt)
  return false
end

-- those whose time is over; how many of them died
local function returnDue(k, maxAttempts, now)
  local died = 0
  for _, from in ipairs(call('ZRANGEBYSCORE', k.due, '-inf', now)) do
    local out = call('HGETALL', k.out .. from)
    for i = 1, #out, 2 do
      if giveBack(k, out[i], tonumber(out[i + 1]), from, maxAttempts, now) then died = died + 1 end
    end
    call('DEL', k.out .. from)
    land(k, from)
  end
  for _, from in ipairs(call('ZRANGEBYSCORE', k.later, '-inf', now)) do
    call('ZREM', k.later, from)
    settle(k, from)
  end
  return died
end

-- calls with as many of the arguments as fit
local function callMany(command, key, args)
  for i = 1, #args, ${2 * AT_ONCE} do call(command, key, unpack(args, i, math.min(i + ${2 * AT_ONCE - 1}, #args))) end
end

-- the receipts of one pair at ARGV[at]: from, how many, then id and attempt of each; those that are good, and where the next pair is
local function readReceipts(k, at)
  local from, count = ARGV[at], tonumber(ARGV[at + 1])
  local good, attempts = {}, {}
  for first = 0, count - 1, ${AT_ONCE} do
    local last, ids = math.min(first + ${AT_ONCE}, count) - 1, {}
    for i = first, last do ids[#ids + 1] = ARGV[at + 2 + 2 * i] end
    local now = call('HMGET', k.out .. from, unpack(ids))
    for i, id in ipairs(ids) do
      if now[i] == ARGV[at + 3 + 2 * (first + i - 1)] then
        good[#good + 1] = id
        attempts[#attempts + 1] = tonumber(now[i])
      end
    end
  end
  callMany('HDEL', k.out .. from, good)
  return from, good, attempts, at + 2 + 2 * count
end
`;

/** With the words above before it. */
export function script(text: string): Script {
  return makeScript(`${COMMON}\n${text}`);
}

/** base, to, now, max, visibleUntil, maxAttempts → per pair: from, how many, then id, attempt and body of each; flat */
export const RECEIVE = script(`
local k, now, left = keysOf(ARGV[1], ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
returnDue(k, tonumber(ARGV[6]), now)
local answer = {}
local hasAttempts = call('EXISTS', k.attempts) == 1

-- what came back comes first; none where the pair has none left
local function pop(from)
  local count = math.min(left, ${AT_ONCE})
  local popped = call('ZPOPMIN', k.back .. from, count)
  if #popped == 0 then return call('LPOP', k.list .. from, count) or {} end
  local ids = {}
  for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
  return ids
end

-- those that expired die on the way
local function take(from, ids)
  local bodies = call('HMGET', k.bodies, unpack(ids))
  local attempts = hasAttempts and call('HMGET', k.attempts, unpack(ids))
  local out = {}
  for i, id in ipairs(ids) do
    local body = bodies[i]
    local before = attempts and tonumber(attempts[i] or '0') or 0
    local expiry = body and string.byte(body) ~= 124 and tonumber(string.match(body, '^%d+'))
    if expiry and expiry <= now then
      bury(k, id, from, 'expired', before, now)
    elseif body then
      out[#out + 1] = id
      out[#out + 1] = before + 1
      answer[#answer + 1] = id
      answer[#answer + 1] = before + 1
      answer[#answer + 1] = body
    end
  end
  callMany('HSET', k.out .. from, out)
  return #out / 2
end

while left > 0 do
  local from = call('ZPOPMIN', k.ready)[1]
  if not from then break end
  answer[#answer + 1] = from
  answer[#answer + 1] = 0
  local place, taken = #answer, 0
  while left > 0 do
    local ids = pop(from)
    if #ids == 0 then break end
    local count = take(from, ids)
    taken, left = taken + count, left - count
  end
  answer[place] = taken
  if taken > 0 then call('ZADD', k.due, ARGV[5], from) end
end
return answer
`);

/** base, to, then per pair what readReceipts reads → how many were good */
export const ACK = script(`
local k, at, count = keysOf(ARGV[1], ARGV[2]), 3, 0
local hasAttempts, hasExpiry = call('EXISTS', k.attempts) == 1, call('EXISTS', k.expiry) == 1
while ARGV[at] do
  local from, good, _, next = readReceipts(k, at)
  at, count = next, count + #good
  callMany('HDEL', k.bodies, good)
  if hasAttempts then callMany('HDEL', k.attempts, good) end
  if hasExpiry then
    for _, id in ipairs(good) do call('ZREM', k.expiry, id .. '.' .. from) end
  end
  if #good > 0 then land(k, from) end
end
return count
`);

/** base, to, now, until ("" for at once), maxAttempts, then per pair what readReceipts reads → how many were good */
export const RELEASE = script(`
local k, now, later, maxAttempts = keysOf(ARGV[1], ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local at, count = 6, 0
while ARGV[at] do
  local from, good, attempts, next = readReceipts(k, at)
  at, count = next, count + #good
  local isBack = false
  for i, id in ipairs(good) do
    if not giveBack(k, id, attempts[i], from, maxAttempts, now) then isBack = true end
  end
  if #good > 0 then
    if isBack and later and later > tonumber(call('ZSCORE', k.later, from) or '0') then call('ZADD', k.later, later, from) end
    land(k, from)
  end
end
return count
`);

/** base, to ("" for all) → {to, id, dead letter} flat */
export const DEAD_LETTERS = script(`
local answer = {}
local recipients = ARGV[2] == '' and call('SMEMBERS', ARGV[1] .. ':recipients') or { ARGV[2] }
for _, to in ipairs(recipients) do
  local all = call('HGETALL', keysOf(ARGV[1], to).dead)
  for i = 1, #all, 2 do
    answer[#answer + 1] = to
    answer[#answer + 1] = all[i]
    answer[#answer + 1] = all[i + 1]
  end
end
return answer
`);

/** base, ids… → how many were dead */
export const REDRIVE = script(`
-- where it was: among those that came back where all that wait are newer, otherwise in the midst of them
local function putBack(k, id, from)
  local list = k.list .. from
  if call('LPOS', list, id) then return end
  local n = readId(id)
  for i, other in ipairs(call('LRANGE', list, 0, -1)) do
    if readId(other) > n then
      if i > 1 then return call('LINSERT', list, 'BEFORE', other, id) end
      break
    end
    if i == call('LLEN', list) then return call('RPUSH', list, id) end
  end
  call('ZADD', k.back .. from, n, id)
end

local count = 0
for _, to in ipairs(call('SMEMBERS', ARGV[1] .. ':recipients')) do
  local k = keysOf(ARGV[1], to)
  for i = 2, #ARGV do
    local id = ARGV[i]
    local dead = call('HGET', k.dead, id)
    if dead then
      local head, body = string.match(dead, '^([^\\n]*)\\n[^|]*(|.*)$')
      local from = cjson.decode(head).from
      call('HDEL', k.dead, id)
      call('ZREM', k.died, id)
      call('HSET', k.bodies, id, body)
      putBack(k, id, from)
      settle(k, from)
      count = count + 1
    end
  end
end
return count
`);

/** base, to ("" for all) → {to, waiting, in flight, dead} flat */
export const DEPTH = script(`
local answer = {}
local recipients = ARGV[2] == '' and call('SMEMBERS', ARGV[1] .. ':recipients') or { ARGV[2] }
for _, to in ipairs(recipients) do
  local k = keysOf(ARGV[1], to)
  local all, dead, out = call('HLEN', k.bodies), call('HLEN', k.dead), 0
  for _, from in ipairs(call('ZRANGE', k.due, 0, -1)) do out = out + call('HLEN', k.out .. from) end
  if ARGV[2] ~= '' or all + dead > 0 then
    for _, part in ipairs({ to, all - out, out, dead }) do answer[#answer + 1] = part end
  end
end
return answer
`);

/** base, to, now, maxAttempts, forget dead letters until → how many died */
export const SWEEP = script(`
local base, to, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local k = keysOf(base, to)
local died, changed = returnDue(k, tonumber(ARGV[4]), now), {}
for _, member in ipairs(call('ZRANGEBYSCORE', k.expiry, '-inf', now, 'LIMIT', 0, ${10 * AT_ONCE})) do
  local id, from = string.match(member, '^([^.]+)%.(.*)$')
  -- one that is out may still be acknowledged
  if call('HEXISTS', k.out .. from, id) == 0 then
    bury(k, id, from, 'expired', call('HGET', k.attempts, id) or 0, now)
    call('ZREM', k.back .. from, id)
    died = died + 1
    changed[from] = true
  end
end
for from in pairs(changed) do
  -- so that a receiver who never comes again is not sent a list of dead ones that grows for ever
  local list = k.list .. from
  local head = call('LINDEX', list, 0)
  while head and call('HEXISTS', k.bodies, head) == 0 do
    call('LPOP', list)
    head = call('LINDEX', list, 0)
  end
  settle(k, from)
end
for _, id in ipairs(call('ZRANGEBYSCORE', k.died, '-inf', ARGV[5], 'LIMIT', 0, ${10 * AT_ONCE})) do
  call('HDEL', k.dead, id)
  call('ZREM', k.died, id)
end
if call('EXISTS', k.bodies, k.dead) == 0 then call('SREM', base .. ':recipients', to) end
return died
`);
