/**
 * The queue's Lua: each script is one step that happens whole or not at all. Keys, all under `base` ("<prefix>:queue"):
 *
 *   recipients            set of all that have or had messages
 *   last                  number of the newest message (message-id.ts)
 *   once:<n>:<from>:<key> "<id> <at>" of the message that had this idempotency key; n is the length of from
 *   pair:<n>:<to>:<from>  sorted set of the ids that wait, by number
 *   bodies:<to>           hash id → "<expiry or nothing>|<JSON>", of all that are not done
 *   flight:<to>           sorted set of the receipts "<id>.<attempt>.<from>" that are out, by the end of their time
 *   busy:<to>             hash from → how many of the pair are out
 *   later:<to>            sorted set of the senders whose pair waits, by the end of that
 *   ready:<to>            sorted set of the senders whose pair may be handed out, by the number of its first message
 *   attempts:<to>         hash id → deliveries so far, of those that came back
 *   expiry:<to>           sorted set of "<id>.<from>" that expire, by when
 *   dead:<to>             hash id → JSON of {reason, attempts, diedAt, from}, a line end, the body
 *
 * Keys are made in the scripts, so this needs one Redis (or one with replicas), not a cluster.
 */
import { PER_MS } from "./message-id.ts";
import { makeScript, type Script } from "./redis-link.ts";

/** ZADD and HSET take many at once, but Lua's stack has its end. */
const AT_ONCE = 1_000;

const COMMON = `
local call = redis.call

local function keysOf(base, to)
  return {
    pair = base .. ':pair:' .. #to .. ':' .. to .. ':',
    bodies = base .. ':bodies:' .. to, flight = base .. ':flight:' .. to, busy = base .. ':busy:' .. to,
    later = base .. ':later:' .. to, ready = base .. ':ready:' .. to, attempts = base .. ':attempts:' .. to,
    expiry = base .. ':expiry:' .. to, dead = base .. ':dead:' .. to,
  }
end

local function writeId(n) return string.format('%.0f-%d', math.floor(n / ${PER_MS}), n % ${PER_MS}) end

local function readId(id)
  local ms, k = string.match(id, '^(%d+)-(%d+)$')
  return ms and tonumber(ms) * ${PER_MS} + tonumber(k)
end

local function readReceipt(receipt)
  local id, attempt, from = string.match(receipt, '^(%d+%-%d+)%.(%d+)%.(.*)$')
  return id, tonumber(attempt), from
end

-- puts the pair where it belongs: ready, or nowhere while it is out, waits, or is empty
local function settle(k, from)
  if call('HEXISTS', k.busy, from) == 0 and not call('ZSCORE', k.later, from) then
    local head = call('ZRANGE', k.pair .. from, 0, 0, 'WITHSCORES')
    if head[1] then return call('ZADD', k.ready, head[2], from) end
  end
  call('ZREM', k.ready, from)
end

local function land(k, from, count)
  if call('HINCRBY', k.busy, from, -count) <= 0 then call('HDEL', k.busy, from) end
  settle(k, from)
end

local function forget(k, id, from)
  call('HDEL', k.bodies, id)
  call('HDEL', k.attempts, id)
  call('ZREM', k.expiry, id .. '.' .. from)
end

-- of one that is neither in its pair nor out any more
local function bury(k, id, from, reason, attempts, now)
  local body = call('HGET', k.bodies, id)
  if not body then return end
  local head = cjson.encode({ reason = reason, attempts = tostring(attempts), diedAt = tostring(now), from = from })
  call('HSET', k.dead, id, head .. '\\n' .. body)
  forget(k, id, from)
end

-- true where it was once too often
local function giveBack(k, id, attempt, from, maxAttempts, now)
  if attempt >= maxAttempts then
    bury(k, id, from, 'attempts', attempt, now)
    return true
  end
  call('ZADD', k.pair .. from, readId(id), id)
  call('HSET', k.attempts, id, attempt)
  return false
end

-- those whose time is over; how many of them died
local function returnDue(k, maxAttempts, now)
  local died, landed = 0, {}
  for _, receipt in ipairs(call('ZRANGEBYSCORE', k.flight, '-inf', now)) do
    call('ZREM', k.flight, receipt)
    local id, attempt, from = readReceipt(receipt)
    if giveBack(k, id, attempt, from, maxAttempts, now) then died = died + 1 end
    landed[from] = (landed[from] or 0) + 1
  end
  for from, count in pairs(landed) do land(k, from, count) end
  for _, from in ipairs(call('ZRANGEBYSCORE', k.later, '-inf', now)) do
    call('ZREM', k.later, from)
    settle(k, from)
  end
  return died
end
`;

function script(text: string): Script {
  return makeScript(`${COMMON}\n${text}`);
}

/** base, now, idempotencyMs, messages in all; then per pair: to, from, how many, and of each: place in the batch, expiry, key, body. → {place, id, "1" for a duplicate} flat */
export const SEND = script(`
local base, now, remember, total = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local last = tonumber(call('GET', base .. ':last') or '0')
local first = math.max(last + 1, math.floor(now) * ${PER_MS})
call('SET', base .. ':last', string.format('%.0f', first + total - 1))
local answer, at = {}, 5

local function recall(from, key, id)
  if key == '' then return nil end
  local once = base .. ':once:' .. #from .. ':' .. from .. ':' .. key
  local known = call('GET', once)
  if known then
    local knownId, since = string.match(known, '^(%S+) (%d+)$')
    if tonumber(since) > now - remember then return knownId end
  end
  call('SET', once, id .. ' ' .. string.format('%.0f', now), 'PX', remember)
end

while ARGV[at] do
  local to, from, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  at = at + 3
  local k = keysOf(base, to)
  local waiting, bodies = {}, {}
  local function flush()
    if #waiting == 0 then return end
    call('ZADD', k.pair .. from, unpack(waiting))
    call('HSET', k.bodies, unpack(bodies))
    waiting, bodies = {}, {}
  end
  for _ = 1, count do
    local place, expiry, key, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    at = at + 4
    local n = first + tonumber(place)
    local id = writeId(n)
    local known = recall(from, key, id)
    if not known then
      waiting[#waiting + 1] = n
      waiting[#waiting + 1] = id
      bodies[#bodies + 1] = id
      bodies[#bodies + 1] = body
      if expiry ~= '' then call('ZADD', k.expiry, expiry, id .. '.' .. from) end
      if #waiting >= 2 * ${AT_ONCE} then flush() end
    end
    answer[#answer + 1] = place
    answer[#answer + 1] = known or id
    answer[#answer + 1] = known and '1' or ''
  end
  flush()
  call('SADD', base .. ':recipients', to)
  settle(k, from)
end
return answer
`);

/** base, to, now, max, visibleUntil, maxAttempts → {receipt, body} flat, in the order of their numbers within a pair */
export const RECEIVE = script(`
local k, now, left, visibleUntil = keysOf(ARGV[1], ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
returnDue(k, tonumber(ARGV[6]), now)
local answer = {}
local hasAttempts = call('EXISTS', k.attempts) == 1

-- up to as many as fit in one command; those that expired die on the way
local function take(from)
  local popped = call('ZPOPMIN', k.pair .. from, math.min(left, ${AT_ONCE}))
  local ids, out = {}, {}
  for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
  if #ids == 0 then return 0, true end
  local bodies = call('HMGET', k.bodies, unpack(ids))
  local attempts = hasAttempts and call('HMGET', k.attempts, unpack(ids)) or {}
  for i, id in ipairs(ids) do
    local body, before = bodies[i], tonumber(attempts[i] or '0')
    local expiry = tonumber(string.match(body, '^%d+'))
    if expiry and expiry <= now then
      bury(k, id, from, 'expired', before, now)
    else
      local receipt = id .. '.' .. (before + 1) .. '.' .. from
      out[#out + 1] = visibleUntil
      out[#out + 1] = receipt
      answer[#answer + 1] = receipt
      answer[#answer + 1] = body
    end
  end
  if #out > 0 then call('ZADD', k.flight, unpack(out)) end
  return #out / 2, false
end

while left > 0 do
  local from = call('ZRANGE', k.ready, 0, 0)[1]
  if not from then break end
  local taken = 0
  while left > 0 do
    local count, isEmpty = take(from)
    taken, left = taken + count, left - count
    if isEmpty then break end
  end
  if taken > 0 then call('HSET', k.busy, from, taken) end
  call('ZREM', k.ready, from)
end
return answer
`);

/** base, to, receipts… → how many were good */
export const ACK = script(`
local k = keysOf(ARGV[1], ARGV[2])
local landed, done, good = {}, {}, 0
local function flush()
  if #done == 0 then return end
  call('HDEL', k.bodies, unpack(done))
  call('HDEL', k.attempts, unpack(done))
  done = {}
end
local expires = call('EXISTS', k.expiry) == 1
for i = 3, #ARGV do
  if call('ZREM', k.flight, ARGV[i]) == 1 then
    local id, _, from = readReceipt(ARGV[i])
    good = good + 1
    done[#done + 1] = id
    landed[from] = (landed[from] or 0) + 1
    if expires then call('ZREM', k.expiry, id .. '.' .. from) end
    if #done >= ${AT_ONCE} then flush() end
  end
end
flush()
for from, count in pairs(landed) do land(k, from, count) end
return good
`);

/** base, to, now, until ("" for at once), maxAttempts, receipts… → how many were good */
export const RELEASE = script(`
local k, now, later, maxAttempts = keysOf(ARGV[1], ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local landed, good = {}, 0
for i = 6, #ARGV do
  if call('ZREM', k.flight, ARGV[i]) == 1 then
    local id, attempt, from = readReceipt(ARGV[i])
    giveBack(k, id, attempt, from, maxAttempts, now)
    landed[from] = (landed[from] or 0) + 1
    good = good + 1
  end
end
for from, count in pairs(landed) do
  if later ~= '' and later > (call('ZSCORE', k.later, from) or '') then call('ZADD', k.later, later, from) end
  land(k, from, count)
end
return good
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
local count = 0
for _, to in ipairs(call('SMEMBERS', ARGV[1] .. ':recipients')) do
  local k = keysOf(ARGV[1], to)
  if call('EXISTS', k.dead) == 1 then
    for i = 2, #ARGV do
      local id = ARGV[i]
      local dead = call('HGET', k.dead, id)
      if dead then
        local head, body = string.match(dead, '^([^\\n]*)\\n[^|]*(|.*)$')
        local from = cjson.decode(head).from
        call('HDEL', k.dead, id)
        call('HSET', k.bodies, id, body)
        call('ZADD', k.pair .. from, readId(id), id)
        settle(k, from)
        count = count + 1
      end
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
  local all, out, dead = call('HLEN', k.bodies), call('ZCARD', k.flight), call('HLEN', k.dead)
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
  if call('ZREM', k.pair .. from, id) == 1 then
    bury(k, id, from, 'expired', call('HGET', k.attempts, id) or 0, now)
    died = died + 1
    changed[from] = true
  end
end
for from in pairs(changed) do settle(k, from) end
local dead = call('HGETALL', k.dead)
for i = 1, #dead, 2 do
  local head = string.match(dead[i + 1], '^[^\\n]*')
  if tonumber(cjson.decode(head).diedAt) <= tonumber(ARGV[5]) then call('HDEL', k.dead, dead[i]) end
end
if call('EXISTS', k.bodies, k.dead) == 0 then call('SREM', base .. ':recipients', to) end
return died
`);
