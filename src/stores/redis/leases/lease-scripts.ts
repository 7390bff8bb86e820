/**
 * The right to fetch a key, as a hash that expires: the token of its holder, its fence, its life in ms, and whether
 * anybody waits. Each script is about one key.
 */
import { RedisScript } from '../script.ts'

/**
 * Arguments: token, life in ms. Replies with whether it was granted, the holder's fence, and for how many ms it is held
 * at least. A fence is Redis's time in microseconds: a counter would start over with a Redis that lost it.
 */
export const ACQUIRE = new RedisScript(`
local type = redis.call('TYPE', KEYS[1]).ok
if type ~= 'hash' and type ~= 'none' then redis.call('DEL', KEYS[1]) end
local fence = redis.call('HGET', KEYS[1], 'fence')
local left = redis.call('PTTL', KEYS[1])
if fence and left > 0 then
  redis.call('HSET', KEYS[1], 'awaited', 1)
  local life = tonumber(redis.call('HGET', KEYS[1], 'life') or ARGV[2])
  if left > life then -- the clock of Redis was set back
    left = life
    redis.call('PEXPIRE', KEYS[1], left)
  end
  return { '0', fence, tostring(left) }
end
local time = redis.call('TIME')
fence = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'fence', fence, 'life', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { '1', fence, ARGV[2] }
`)

/** Arguments: token, life in ms. Replies 1 when it is still held, else 0. */
export const RENEW = new RedisScript(`
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

/** Arguments: token, channel, message. Publishes the message if somebody waits for it. */
export const RELEASE = new RedisScript(`
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
local awaited = redis.call('HGET', KEYS[1], 'awaited')
redis.call('DEL', KEYS[1])
if awaited then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return 1
`)
