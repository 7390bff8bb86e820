/** Help texts of the commands, beyond their flags. */

export const EXIT_CODES = `
Exit codes: 0 stopped normally; 1 failed while running (a port in use, for instance); 2 invalid flags or configuration.`

export const CHECK_HELP = `
Starts nothing. Reports all faults together, with line and column for those in the file.

Examples:
  herdgate check
  herdgate check --config shop.yaml --ttl 30s
  herdgate check --origin https://api.example.com --print-config > shop.yaml

Exit codes: 0 valid; 2 invalid.`

export const SCHEMA_HELP = `
Editors use it to check and complete the file. Save it:
  herdgate schema > herdgate.schema.json
and refer to it in the first line of herdgate.yaml:
  # yaml-language-server: $schema=./herdgate.schema.json`

export const DEMO_HELP = `
Takes no configuration, listens on loopback only, and prints commands to try. The API takes 800 ms for every response
and has one of each kind: cacheable, not cacheable and failing.

Examples:
  herdgate demo
  herdgate demo --port 8081 --admin-port 9091 --origin-port 3001
  herdgate demo --api-only`

export const PROBE_HELP = `
Sends GET /readyz to the admin port: can it take requests? It still can while Redis is down ("degraded").
The URL defaults to http://127.0.0.1:9090, or to HERDGATE_ADMIN_HOST and HERDGATE_ADMIN_PORT where they are set.
The configuration file is not read. A URL with a path is requested as it is; http://herdgate/? asks for "/".

Examples:
  herdgate probe
  herdgate probe --live --timeout 500ms
  herdgate probe http://herdgate-admin:9090

Exit codes: 0 answered 2xx; 1 any other answer, or none; 2 invalid flags or URL.`

export const PURGE_HELP = `
A purged response is never served again, not even when the origin fails. --soft marks it stale instead: it is
revalidated before its next use, which is cheap if nothing has changed, and grace still applies.

Examples:
  herdgate purge --tag product-42 --tag products
  herdgate purge --url https://shop.example/products/42
  herdgate purge --prefix https://shop.example/products --soft
  herdgate purge --all --admin http://herdgate-admin:9090

Exit codes: 0 logged; 1 not logged, or no answer; 2 invalid flags.`

export const EXPLAIN_HELP = `
Shows the request's route and key, what is stored for it, how old that is and how long it may be used. Asks no origin.

Examples:
  herdgate explain http://localhost:8080/products/42
  herdgate explain https://shop.example/ --header 'Accept-Language: de' --json

Exit codes: 0 explained; 1 the request is invalid, or no answer; 2 invalid flags.`

export const INIT_HELP = `
Writes a commented configuration to start from.

Examples:
  herdgate init --origin http://10.0.0.5:3000
  herdgate init shop.yaml --origin https://api.example.com --ttl 30s --redis redis://10.0.0.7:6379
  herdgate init --origin http://10.0.0.5:3000 --redis 'redis://:\${REDIS_PASSWORD}@10.0.0.7:6379'

Exit codes: 0 written; 1 not written (the file already exists, for instance); 2 invalid flags.`

export const EXAMPLES = `
Examples:
  herdgate --origin https://api.example.com
  herdgate --origin http://10.0.0.5:3000 --origin http://10.0.0.6:3000 --ttl 30s --grace 1h
  herdgate --config herdgate.yaml
  herdgate check --config herdgate.yaml
`
