/**
 * How each of the other caches is set up: one worker, 256 MiB, in memory where there is a choice, no logs, one fetch
 * per key where possible, connections kept open on both sides.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ScenarioName } from './scenarios.ts'

/** Where a cache runs. */
export interface Place {
  /** An empty folder of its own. */
  readonly folder: string
  readonly port: number
  readonly originPort: number
}

export interface CacheProgram {
  readonly name: string
  readonly program: string
  readonly debianPackage: string
  /** Writes its configuration. @returns the arguments to run it with in the foreground */
  readonly configure: (place: Place) => readonly string[]
  /** Prints its version. */
  readonly versionFlag: string
  /** What cannot be measured, and why. */
  readonly except?: { readonly scenario: ScenarioName; readonly why: string }
}

const nginx: CacheProgram = {
  name: 'nginx',
  program: 'nginx',
  debianPackage: 'nginx-light',
  versionFlag: '-v',
  configure({ folder, port, originPort }) {
    const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const config = written(
      folder,
      'nginx.conf',
      `${isRoot ? 'user root;' : ''}
daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000;
  ${scratch.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  proxy_cache_path ${folder}/cache keys_zone=bench:64m max_size=256m inactive=1h use_temp_path=off;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache bench; proxy_cache_lock on; proxy_cache_lock_timeout 60s;
    }
  }
}
`,
    )
    return ['-p', folder, '-c', config]
  },
}

const haproxy: CacheProgram = {
  name: 'HAProxy',
  program: 'haproxy',
  debianPackage: 'haproxy',
  versionFlag: '-v',
  except: { scenario: 'not-modified', why: 'its 304 states a Content-Length, and wrk waits for content' },
  configure({ folder, port, originPort }) {
    const config = written(
      folder,
      'haproxy.cfg',
      `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  http-reuse always
cache bench
  total-max-size 256
  max-object-size 131072
  max-age 3600
frontend clients
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  http-request cache-use bench
  http-response cache-store bench
  server origin 127.0.0.1:${originPort}
`,
    )
    return ['-db', '-f', config]
  },
}

const varnish: CacheProgram = {
  name: 'Varnish',
  program: 'varnishd',
  debianPackage: 'varnish',
  versionFlag: '-V',
  configure({ folder, port, originPort }) {
    const vcl = `vcl 4.1;\nbackend default { .host = "127.0.0.1"; .port = "${originPort}"; }\n`
    const config = written(folder, 'default.vcl', vcl)
    const place = ['-a', `127.0.0.1:${port}`, '-n', `${folder}/work`, '-f', config]
    const patience = ['-p', 'ping_interval=0'] // it is suspended while others are measured
    return ['-F', '-j', 'none', ...place, '-s', 'malloc,256m', '-T', 'none', ...patience]
  },
}

const squid: CacheProgram = {
  name: 'Squid',
  program: 'squid',
  debianPackage: 'squid',
  versionFlag: '-v',
  configure({ folder, port, originPort }) {
    const config = written(
      folder,
      'squid.conf',
      `http_port 127.0.0.1:${port} accel defaultsite=bench.test
cache_peer 127.0.0.1 parent ${originPort} 0 no-query no-digest originserver name=origin
http_access allow all
never_direct allow all
cache_mem 256 MB
maximum_object_size_in_memory 1 MB
memory_cache_mode always
collapsed_forwarding on
workers 1
max_filedescriptors 8192
access_log none
cache_store_log none
cache_log ${folder}/cache.log
pid_filename none
coredump_dir ${folder}
pinger_enable off
client_db off
visible_hostname bench.test
shutdown_lifetime 0 seconds
`,
    )
    // Its shared memory is named after the service; a killed Squid leaves some behind, which stops the next one.
    return ['-N', '-n', `bench${port}`, '-f', config]
  },
}

const trafficServer: CacheProgram = {
  name: 'Traffic Server',
  program: 'traffic_server',
  debianPackage: 'trafficserver',
  versionFlag: '-V',
  configure({ folder, port, originPort }) {
    const run = `${folder}/run`
    const directories = {
      prefix: folder,
      exec_prefix: folder,
      bindir: '/usr/bin',
      sbindir: '/usr/bin',
      includedir: '/usr/include',
      libdir: '/usr/lib/trafficserver',
      libexecdir: '/usr/lib/trafficserver/modules',
      sysconfdir: `${folder}/etc`,
      datadir: run,
      localstatedir: run,
      runtimedir: run,
      logdir: run,
      cachedir: `${folder}/cache`,
    }
    for (const name of ['etc', 'run', 'cache']) {
      mkdirSync(join(folder, name))
      chmodSync(join(folder, name), 0o777) // it switches to a user of its own
    }
    const layout = Object.entries(directories).map(([name, path]) => `${name}: ${path}\n`)
    writeFileSync(join(folder, 'runroot.yaml'), layout.join(''))
    const etc = join(folder, 'etc')
    writeFileSync(join(etc, 'storage.config'), `${folder}/cache 256M\n`)
    writeFileSync(join(etc, 'ip_allow.yaml'), 'ip_allow: [{ apply: in, ip_addrs: 0/0, action: allow, methods: ALL }]\n')
    writeFileSync(join(etc, 'remap.config'), `map / http://127.0.0.1:${originPort}/\n`)
    writeFileSync(
      join(etc, 'records.config'),
      `CONFIG proxy.config.http.server_ports STRING ${port}:ip-in=127.0.0.1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.cache.ram_cache.size INT 268435456
CONFIG proxy.config.admin.user_id STRING nobody
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.net.connections_throttle INT 8192
CONFIG proxy.config.http.cache.open_write_fail_action INT 5
CONFIG proxy.config.http.server_session_sharing.match STRING both
`,
    )
    return [`--run-root=${folder}`]
  },
}

export const CACHE_PROGRAMS: readonly CacheProgram[] = [nginx, varnish, haproxy, squid, trafficServer]

const isRoot = process.getuid?.() === 0

function written(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
