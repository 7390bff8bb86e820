/**
 * The invalidation log inside Redis (docs/guarantees.md, "The idea"). Each script is one operation on the log. Callers
 * state what they know of the log; if the log contradicts this, or is of a generation that the caller has left, it has
 * lost records, and a new generation begins.
 *
 * head          hash    generation, the generations it continues, position of the newest record, floors of what was
 *                       trimmed, when doubt ends and how long it lasts, and the run of Redis that gave the newest
 *                       position
 * records       stream  <position>-0 -> generation, nonce, mode, targets, at: the tail for running nodes
 * purged,       zsets   target -> newest record that named it: the state a starting node loads. A member that never
 * invalidated           leaves ('') shows that the set was not evicted
 * nonces        zset    nonce -> position: a record that is appended again is logged once
 * nodes         zset    node -> when it is forgotten
 * reports       hash    node -> "generation position lease": how far it has come
 * acks          stream  the reports as they change
 *
 * None carries a TTL, which would let Redis evict it under volatile-*. All are in one slot of a cluster.
 */
import { FORGOTTEN_AFTER_LEASES } from '../../log/live-nodes.ts'
import { RedisScript } from '../script.ts'

const KEYS = ['head', 'records', 'purged', 'invalidated', 'nonces', 'nodes', 'reports', 'acks'] as const

/** @param prefix without braces, which select the slot */
export function logKeys(prefix: string): string[] {
  return KEYS.map((key) => `{${prefix}}:log:${key}`)
}

/** The first arguments of every script, in this order. */
export interface Known {
  /** Empty when the caller knows none yet. */
  readonly generation: string
  /** Position of the newest record the caller has seen, 0 for none. */
  readonly position: number
  readonly nonce: string
  /** The generation to begin if there is none, or one that contradicts the caller. */
  readonly fresh: string
  /** The caller's lease, in milliseconds. */
  readonly lease: number
  /** Generations that the caller has left, separated by spaces. */
  readonly left: string
}

export const knownArguments = ({ generation, position, nonce, fresh, lease, left }: Known) =>
  [generation, position, nonce, fresh, lease, left] as const

/** What the reply of every script begins with. */
export interface Head {
  readonly generation: string
  readonly position: number
  /** For how many ms the list of nodes may lack some: it is as young as the generation. */
  readonly doubtForMs: number
}

const PRELUDE = `
local head, records, purged, invalidated, nonces, nodes, reports, acks = unpack(KEYS)
local known = { generation = ARGV[1], position = tonumber(ARGV[2]), nonce = ARGV[3], fresh = ARGV[4],
  lease = tonumber(ARGV[5]), left = ARGV[6] }
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local generation, position
local MAX_CONTINUED = 2 * 16
local FORGOTTEN_AFTER_LEASES = ${FORGOTTEN_AFTER_LEASES}

local function read()
  generation = redis.call('HGET', head, 'generation')
  position = tonumber(redis.call('HGET', head, 'position') or nil)
  if position and (position > 2 ^ 52 or position ~= math.floor(position)) then position = nil end
end

local function id(n) return string.format('%.0f-0', n) end

local function field(record, name)
  for i = 1, #record[2], 2 do
    if record[2][i] == name then return record[2][i + 1] end
  end
end

-- A key of ours with another type, written by somebody else, would make every call fail.
local function clearForeign()
  local types = { 'hash', 'stream', 'zset', 'zset', 'zset', 'zset', 'hash', 'stream' }
  for i, key in ipairs(KEYS) do
    local type = redis.call('TYPE', key).ok
    if type ~= types[i] and type ~= 'none' then redis.call('DEL', key) end
  end
end

local function endsAtPosition()
  local last = redis.call('XREVRANGE', records, '+', '-', 'COUNT', 1)[1]
  return last and last[1] == id(position)
end

local function marked()
  return redis.call('ZSCORE', purged, '') and redis.call('ZSCORE', invalidated, '')
end

local function intact()
  return generation and position and endsAtPosition() and marked()
end

-- '<former> <position> ...', newest first. It states its own generation, as a node of a version without this list may
-- have begun a new one since.
local function continues()
  local own, list = string.match(redis.call('HGET', head, 'continues') or '', '^(%S+) (.*)$')
  return own == generation and list or ''
end

-- The position up to which that generation is part of this log.
local function reachOf(name)
  if name == generation then return position end
  for former, upTo in string.gmatch(continues(), '(%S+) (%d+)') do
    if former == name then return tonumber(upTo) end
  end
end

-- The end of the log was lost in a failover, and other records may have taken its place.
local function contradicted()
  local upTo = known.position > 0 and reachOf(known.generation)
  if not upTo then return false end
  if known.position > upTo then return true end
  local at = redis.call('XRANGE', records, id(known.position), id(known.position))[1]
  return at and field(at, 'nonce') ~= known.nonce
end

-- Redis was restored from an older dump: what was appended since, in this generation or a later one, is lost, and
-- positions whose records the caller has seen would be assigned again.
local function wasLeft()
  for former in string.gmatch(known.left, '%S+') do
    if former == generation then return true end
  end
end

local function doubt()
  redis.call('HSET', head, 'doubt', now + 2 * known.lease, 'doubt lasts', 2 * known.lease)
end

-- The time until then in ms, never longer than it was at first, even if the clock has been set back.
local function left(ends, longest)
  return math.max(0, math.min(ends - now, longest))
end

-- Changes with a restart or a failover; false if Redis does not say.
local function run()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or false
end

local function isOtherRun()
  local present = run()
  return present and redis.call('HGET', head, 'run') ~= present
end

local function begin()
  local lost = generation ~= false or known.generation ~= ''
  if not generation or not position then
    redis.call('DEL', head, records, purged, invalidated, nonces)
    position = 0
  elseif not endsAtPosition() then
    redis.call('DEL', records)
  end
  if not marked() then redis.call('DEL', nonces) end -- their records may be lost; then they have to be appended again
  generation = known.fresh
  redis.call('ZADD', purged, '+inf', '')
  redis.call('ZADD', invalidated, '+inf', '')
  position = redis.call('HINCRBY', head, 'position', 1)
  redis.call('HSET', head, 'generation', generation, 'run', run() or '')
  redis.call('XADD', records, id(position), 'generation', generation, 'nonce', generation, 'mode', 'none', 'targets', '[]', 'at', now)
  if lost then doubt() end
end

-- Positions assigned by another run may be lost together with every node that knew of them, while stored copies still
-- carry them; a position assigned now must not be mistaken for one of those. So a new generation begins, which continues
-- what is left of the former one.
local function goOn()
  if not isOtherRun() then return end
  local list = { known.fresh, generation, string.format('%.0f', position) }
  for former, upTo in string.gmatch(continues(), '(%S+) (%d+)') do
    if #list < MAX_CONTINUED then
      list[#list + 1] = former
      list[#list + 1] = upTo
    end
  end
  generation = known.fresh
  redis.call('HSET', head, 'generation', generation, 'run', run(), 'continues', table.concat(list, ' '))
end

local function settle()
  clearForeign()
  read()
  if not intact() or contradicted() or wasLeft() then begin() end
  local former = known.generation ~= '' and not reachOf(known.generation)
  if former and redis.call('HSETNX', head, 'former ' .. known.generation, 1) == 1 then doubt() end
end

local function answer(...)
  local doubted = redis.call('HMGET', head, 'doubt', 'doubt lasts')
  local ends = tonumber(doubted[1] or nil) or 0
  local lasts = tonumber(doubted[2] or nil) or 2 * known.lease -- older versions do not state it
  local doubtFor = left(ends, lasts)
  if ends > now + doubtFor then redis.call('HSET', head, 'doubt', now + doubtFor) end
  return { generation, tostring(position), tostring(doubtFor), ... }
end

-- If that leaves none, Redis was out of reach of all, has loaded an older dump, or its clock has jumped. They may come
-- back after the purge of a node that has never heard of them.
local function forgetSilent(caller)
  local forgotten = false
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', nodes, '-inf', now)) do
    redis.call('ZREM', nodes, node)
    redis.call('HDEL', reports, node)
    forgotten = forgotten or node ~= caller
  end
  if forgotten and redis.call('EXISTS', nodes) == 0 then doubt() end
end

local function listed()
  local list = {}
  local all = redis.call('ZRANGEBYSCORE', nodes, string.format('(%.0f', now), '+inf', 'WITHSCORES')
  for at = 1, #all, 2 do
    local node, ends = all[at], tonumber(all[at + 1])
    local report = redis.call('HGET', reports, node) or ''
    local lease = math.max(known.lease, tonumber(string.match(report, '%S+$')) or 0)
    local listedFor = left(ends, FORGOTTEN_AFTER_LEASES * lease)
    if ends > now + listedFor then redis.call('ZADD', nodes, now + listedFor, node) end
    list[#list + 1] = node
    list[#list + 1] = report
    list[#list + 1] = tostring(listedFor)
  end
  return list
end
`

/**
 * Lets a script run when Redis is full: without reports the nodes would stop trusting their caches for lack of memory;
 * and trimming makes room.
 */
const WHEN_FULL = '#!lua flags=allow-oom\n'

/**
 * More arguments: node, after how many ms of silence it is forgotten, position applied by the caller, `1` to load the
 * state in any case. Replies with the end of acks, the nodes, and, where the caller cannot read on from what it applied,
 * the newest nonce, the floors, both sets and the generations that this one continues.
 */
export const JOIN = new RedisScript(`${WHEN_FULL}${PRELUDE}
settle()
if isOtherRun() then redis.call('HSET', head, 'run', '') end -- the former one may return as it was
forgetSilent(ARGV[7])
redis.call('ZADD', nodes, now + ARGV[8], ARGV[7])
local last = redis.call('XREVRANGE', acks, '+', '-', 'COUNT', 1)[1]
local newestAck = last and last[1] or '0-0'
local first = redis.call('XRANGE', records, '-', '+', 'COUNT', 1)[1]
local readable = tonumber(string.match(first[1], '^%d+')) <= tonumber(ARGV[9]) + 1
if known.generation == generation and readable and ARGV[10] ~= '1' then return answer(newestAck, listed()) end
local newest = redis.call('XREVRANGE', records, '+', '-', 'COUNT', 1)[1]
return answer(newestAck, listed(), field(newest, 'nonce') or '',
  redis.call('HGET', head, 'floor purged') or '0', redis.call('HGET', head, 'floor invalidated') or '0',
  redis.call('ZRANGE', purged, 0, -1, 'WITHSCORES'), redis.call('ZRANGE', invalidated, 0, -1, 'WITHSCORES'),
  continues())
`)

/** More arguments: node, after how many ms of silence it is forgotten, position applied. Replies with the nodes. */
export const REPORT = new RedisScript(`${WHEN_FULL}${PRELUDE}
settle()
forgetSilent(ARGV[7])
if known.generation == generation then
  local report = generation .. ' ' .. ARGV[9] .. ' ' .. ARGV[5]
  redis.call('ZADD', nodes, now + ARGV[8], ARGV[7])
  if redis.call('HGET', reports, ARGV[7]) ~= report then
    redis.call('HSET', reports, ARGV[7], report)
    redis.call('XADD', acks, 'MAXLEN', '~', 1000, '*', 'node', ARGV[7], 'report', report)
  end
end
return answer(listed())
`)

/**
 * More arguments: nonce, mode, greatest number of targets, of records, then the targets as a JSON list: a hundred
 * thousand separate arguments would overflow the client's stack. Replies with the nodes and the record's position.
 */
export const APPEND = new RedisScript(`${PRELUDE}
settle()
local nonce, mode, maxTargets, maxRecords, targets = ARGV[7], ARGV[8], tonumber(ARGV[9]), ARGV[10], ARGV[11]
local at = redis.call('ZSCORE', nonces, nonce)
if at then return answer(listed(), at) end

goOn()
position = redis.call('HINCRBY', head, 'position', 1)
redis.call('XADD', records, 'MAXLEN', '~', maxRecords, id(position), 'generation', generation, 'nonce', nonce,
  'mode', mode, 'targets', targets, 'at', now)
redis.call('ZADD', nonces, position, nonce)
redis.call('ZREMRANGEBYRANK', nonces, 0, -10001)

local set = mode == 'purge' and purged or invalidated
for _, target in ipairs(cjson.decode(targets)) do redis.call('ZADD', set, position, target) end
local over = redis.call('ZCARD', set) - 1 - maxTargets
if over > 0 then
  local dropped = redis.call('ZPOPMIN', set, over)
  redis.call('HSET', head, mode == 'purge' and 'floor purged' or 'floor invalidated', dropped[#dropped])
end
return answer(listed(), tostring(position))
`)

/** More arguments: node. */
export const LEAVE = new RedisScript(`${WHEN_FULL}${PRELUDE}
if redis.call('ZREM', nodes, ARGV[7]) == 1 then
  redis.call('HDEL', reports, ARGV[7])
  redis.call('XADD', acks, 'MAXLEN', '~', 1000, '*', 'node', ARGV[7], 'report', 'left')
end
`)

/**
 * More arguments: age in ms that no copy reaches, how long in ms not to look again after finding nothing to drop, most
 * records to drop. Drops records of that age, and marks no newer than those, for which the floors then stand. The
 * newest record always stays. Replies with how many records were dropped.
 */
export const TRIM = new RedisScript(`${WHEN_FULL}${PRELUDE}
settle()
local trimmed = tonumber(redis.call('HGET', head, 'trimmed') or 0)
local isClockSetBack = trimmed > now
if not isClockSetBack and now < trimmed + ARGV[8] then return answer('0') end
local cut = 0
for _, record in ipairs(redis.call('XRANGE', records, '-', '+', 'COUNT', ARGV[9])) do
  local at = tonumber(field(record, 'at') or nil)
  if record[1] == id(position) or not at or at > now - ARGV[7] then break end
  cut = tonumber(string.match(record[1], '^%d+'))
end
if cut == 0 then
  redis.call('HSET', head, 'trimmed', now)
  return answer('0')
end
local function drop(set, floor)
  local newest = redis.call('ZREVRANGEBYSCORE', set, cut, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if newest then redis.call('HSET', head, floor, newest) end
  redis.call('ZREMRANGEBYSCORE', set, '-inf', cut)
end
drop(purged, 'floor purged')
drop(invalidated, 'floor invalidated')
return answer(tostring(redis.call('XTRIM', records, 'MINID', id(cut + 1))))
`)
