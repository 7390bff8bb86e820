/**
 * The data port with everything behind it: the hit lane, the proxy route, and WebSockets. Does not listen by itself.
 */
import { proxyEverything } from '../../routes/proxy.ts'
import type { Cache } from '../cache/create-cache.ts'
import type { Config } from '../config.ts'
import type { Events } from '../events.ts'
import { openLane } from '../lane/lane.ts'
import type { Clock, ProcessPressure } from '../model.ts'
import { createDataPort } from '../ports/data-port.ts'
import { listenOn } from '../ports/listen.ts'
import { createPeers } from '../ports/peers.ts'
import { reportRefusals } from '../ports/refusals.ts'
import { passUpgrades } from '../ports/upgrade.ts'
import { upgradesTo } from '../ports/websocket-handshake.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { Routing } from './routing.ts'

export interface DataParts {
  readonly cache: Cache
  readonly routing: Routing
  readonly clock: Clock
  readonly events: Events
  readonly tracing: Tracing
  readonly pressure: ProcessPressure
}

export interface Data {
  /** @returns its base URL */
  listen(): Promise<string>
  /** Makes each response from now on the last of its connection. */
  drain(): void
  /** Stops accepting, and finishes what is in flight. */
  close(): Promise<void>
}

export function openData(
  config: Pick<Config, 'listen' | 'limits' | 'lane'>,
  { cache, routing, clock, events, tracing, pressure }: DataParts,
): Data {
  const { routes } = routing
  const peerOf = createPeers(config.listen.trustProxy)
  const { app: port, drain } = createDataPort(config.limits, clock, {
    wrapHandler: (handler) => tracing.listener(handler),
    upgrades: upgradesTo(routes, peerOf),
    onRefusal: reportRefusals(events, peerOf),
    onRefusedConnection: (reason) => events.emit('refusedConnection', { reason }),
    pressure,
  })
  const hasLane = config.lane && !tracing.enabled // its responses would have no span
  const lane = hasLane
    ? openLane(port.server, { hits: cache.hits, peerOf, events, clock, ...config.limits })
    : undefined
  proxyEverything(port, { cache: lane === undefined ? cache : { events, handle: lane.handle }, peerOf, pressure })
  const tunnels = passUpgrades(port.server, { routes, transport: routing.transport, peerOf, clock, events })

  return {
    listen: () => listenOn(port, config.listen),
    drain() {
      lane?.stop() // its responses never announce a connection's end
      drain()
    },
    async close() {
      tunnels.close()
      await port.close()
    },
  }
}
