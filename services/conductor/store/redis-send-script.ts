/** The queue's Lua that takes messages in; the keys are those of redis-queue-scripts.ts. */
import { PER_MS } from "./message-id.ts";
import { script } from "./redis-queue-scripts.ts";

/**
 * base, now, idempotencyMs, messages in all, how many may be not done of a receiver; then per pair: to, from, how many, "1" where each is place and body alone; otherwise each is
 * place in the batch, body, expiry, key. → the number of the one at place 0, then place and id of each duplicate; or "full" and the receivers
 * that have no room for theirs: then nothing was done
 */
export const SEND = script(`
local base, now, remember, total, room = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local function onceOf(from, key) return base .. ':once:' .. #from .. ':' .. from .. ':' .. key end

-- the message that this one is once more, and when that was
local function known(from, key)
  local id, since = string.match(call('GET', onceOf(from, key)) or '', '^(%S+) (%d+)$')
  if id and tonumber(since) > now - remember then return id end
end

-- those to one receiver that are no duplicates
local function countNew(receiver)
  local at, count, seen = 6, 0, {}
  while ARGV[at] do
    local to, from, size, isPlain = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3] == '1'
    local step = isPlain and 2 or 4
    for i = 0, size - 1 do
      local key = to == receiver and not isPlain and ARGV[at + 4 + i * step + 3] or ''
      local name = onceOf(from, key)
      if to == receiver and (key == '' or not (seen[name] or known(from, key))) then count = count + 1 end
      if key ~= '' then seen[name] = true end
    end
    at = at + 4 + size * step
  end
  return count
end

-- before anything is written: what a script has done is not taken back
local wanted, place = {}, 6
while ARGV[place] do
  local to, size = ARGV[place], tonumber(ARGV[place + 2])
  wanted[to] = (wanted[to] or 0) + size
  place = place + 4 + size * (ARGV[place + 3] == '1' and 2 or 4)
end
local full = { 'full' }
for to, count in pairs(wanted) do
  local load = call('HLEN', keysOf(base, to).bodies)
  if load + count > room and load + countNew(to) > room then full[#full + 1] = to end
end
if #full > 1 then return full end

local last = tonumber(call('GET', base .. ':last') or '0')
local first = math.max(last + 1, math.floor(now) * ${PER_MS})
call('SET', base .. ':last', string.format('%.0f', first + total - 1))
local answer, at = { string.format('%.0f', first) }, 6

-- the id of the message that had the key already
local function recall(from, key, id)
  if key == '' then return nil end
  local earlier = known(from, key)
  if earlier then return earlier end
  call('SET', onceOf(from, key), id .. ' ' .. string.format('%.0f', now), 'PX', remember)
end

while ARGV[at] do
  local to, from, count, isPlain = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3] == '1'
  at = at + 4
  local k = keysOf(base, to)
  local ids, bodies = {}, {}
  for _ = 1, count do
    local place, body = ARGV[at], ARGV[at + 1]
    at = at + 2
    local id = writeId(first + tonumber(place))
    local earlier
    if not isPlain then
      local expiry, key = ARGV[at], ARGV[at + 1]
      at = at + 2
      earlier = recall(from, key, id)
      if not earlier and expiry ~= '' then call('ZADD', k.expiry, expiry, id .. '.' .. from) end
    end
    if earlier then
      answer[#answer + 1] = place
      answer[#answer + 1] = earlier
    else
      ids[#ids + 1] = id
      bodies[#bodies + 1] = id
      bodies[#bodies + 1] = body
    end
  end
  callMany('RPUSH', k.list .. from, ids)
  callMany('HSET', k.bodies, bodies)
  call('SADD', base .. ':recipients', to)
  if not call('ZSCORE', k.ready, from) then settle(k, from) end
end
return answer
`);
