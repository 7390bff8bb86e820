-- What wrk sends, and how it reports its measurements. Arguments: the kind of request, and that kind's own argument.
local kinds = {}

-- Always the same request.
function kinds.same() end

-- Revalidates by this entity tag.
function kinds.conditional(etag)
  wrk.headers["If-None-Match"] = etag
end

-- A new resource with every request, below a path that has not been used before.
function kinds.distinct(folder)
  local count = 0
  local fields = " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nUser-Agent: herdgate-bench\r\nAccept: */*\r\n\r\n"
  request = function()
    count = count + 1
    return "GET " .. folder .. "/" .. count .. fields
  end
end

-- Heads as browsers send them, no two alike. No cookies: most caches do not serve requests with those from memory.
function kinds.browsers()
  local systems = { "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "Linux; Android 10; K" }
  local languages = { "en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "fr-FR,fr;q=0.8,en-US;q=0.5,en;q=0.3", "ja,en-US;q=0.7" }
  local heads = {}
  for at = 0, 63 do
    local version = 120 + at
    heads[at] = "GET " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nConnection: keep-alive\r\n"
      .. 'sec-ch-ua: "Chromium";v="' .. version .. '", "Not.A/Brand";v="24"\r\nsec-ch-ua-mobile: ?0\r\n'
      .. 'sec-ch-ua-platform: "Linux"\r\nUpgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (' .. systems[at % 4 + 1]
      .. ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" .. version .. ".0.0.0 Safari/537.36\r\n"
      .. "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
      .. "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n"
      .. "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: " .. languages[math.floor(at / 4) % 4 + 1]
      .. "\r\nReferer: http://bench.test/list?page="
  end
  local count = 0
  request = function()
    count = count + 1
    return heads[count % 64] .. count .. "\r\n\r\n"
  end
end

function init(args)
  wrk.headers["User-Agent"] = "herdgate-bench"
  wrk.headers["Accept"] = "*/*"
  kinds[args[1]](args[2])
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"bytes":%d,"microseconds":%d,"failed":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.bytes, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
