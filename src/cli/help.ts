/** What the help of each command teaches beside its flags. */

export const EXIT_CODES = `
Exit codes: 0 ended as asked; 1 failed while running (a port in use, for instance); 2 wrong flags or configuration.`

export const CHECK_HELP = `
Starts nothing. Every fault is told at once, with line and column where it is in the file.

Examples:
  herdgate check
  herdgate check --config shop.yaml --ttl 30s
  herdgate check --origin https://api.example.com --print-config > shop.yaml

Exit codes: 0 valid; 2 not.`

export const SCHEMA_HELP = `
Editors check and complete the file by it:
  herdgate schema > herdgate.schema.json
and as the first line of herdgate.yaml
  # yaml-language-server: $schema=./herdgate.schema.json`

export const DEMO_HELP = `
Takes no configuration, listens on loopback only, and prints what to try. The API takes 800 ms for everything and has one
of each kind: answers that may be kept, that may not, and that fail.

Examples:
  herdgate demo
  herdgate demo --port 8081 --admin-port 9091 --origin-port 3001
  herdgate demo --api-only`

export const PROBE_HELP = `
Asks GET /readyz of the admin port: should it be sent requests? It still should while Redis is down ("degraded").
The URL is that of the admin port: http://127.0.0.1:9090 unless HERDGATE_ADMIN_HOST and HERDGATE_ADMIN_PORT say otherwise.
The configuration file is not read. A URL with a path is asked as it is.

Examples:
  herdgate probe
  herdgate probe --live --timeout 500ms
  herdgate probe http://herdgate-admin:9090

Exit codes: 0 answered 2xx; 1 answered anything else, or not at all; 2 wrong flags or URL.`

export const PURGE_HELP = `
Purged is never served again, not even when the origin fails; --soft marks stale instead: the next use is checked with the
origin, which costs nothing where nothing has changed, and grace still applies.

Examples:
  herdgate purge --tag product-42 --tag products
  herdgate purge --url https://shop.example/products/42
  herdgate purge --prefix https://shop.example/products --soft
  herdgate purge --all --admin http://herdgate-admin:9090

Exit codes: 0 it is logged; 1 it is not, or there was no answer; 2 wrong flags.`

export const EXPLAIN_HELP = `
Says which route and key the request has, what is stored, how old it is and for how long it may be used. Asks no origin.

Examples:
  herdgate explain http://localhost:8080/products/42
  herdgate explain https://shop.example/ --header 'Accept-Language: de' --json

Exit codes: 0 it is said; 1 the request makes no sense, or there was no answer; 2 wrong flags.`

export const INIT_HELP = `
Writes a commented configuration to begin with.

Examples:
  herdgate init --origin http://10.0.0.5:3000
  herdgate init shop.yaml --origin https://api.example.com --ttl 30s --redis redis://10.0.0.7:6379
  herdgate init --origin http://10.0.0.5:3000 --redis 'redis://:\${REDIS_PASSWORD}@10.0.0.7:6379'

Exit codes: 0 it is written; 1 it is not, as where the file is there already; 2 wrong flags.`

export const EXAMPLES = `
Examples:
  herdgate --origin https://api.example.com
  herdgate --origin http://10.0.0.5:3000 --origin http://10.0.0.6:3000 --ttl 30s --grace 1h
  herdgate --config herdgate.yaml
  herdgate check --config herdgate.yaml
`
