/** Routes and their origins, which another configuration may replace while requests are in progress. */
import { isDeepStrictEqual } from 'node:util'
import type { Chaos } from '../chaos/create-chaos.ts'
import type { Config, OriginConfig } from '../config.ts'
import { HerdgateError } from '../errors.ts'
import type { Clock, Origin, Route } from '../model.ts'
import { createOrigin, type PoolOrigin } from '../origin/pool-origin.ts'
import { NO_TRACING, type Tracing } from '../tracing/tracing.ts'
import type { UpgradeOptions } from '../ports/upgrade.ts'

export type RoutingConfig = Pick<Config, 'origins' | 'routes'>

interface Target {
  readonly options: OriginConfig
  readonly pool: PoolOrigin
  /** The pool as the cache sees it, with chaos and tracing. */
  readonly origin: Origin
}

export class Routing {
  /** Always the same array: `apply` replaces its contents in one step. */
  readonly routes: Route[] = []
  /** Origin names by route name. */
  readonly originNames = new Map<string, string>()
  readonly #clock: Clock
  readonly #chaos: Chaos
  readonly #tracing: Tracing
  #targets: ReadonlyMap<string, Target> = new Map()
  /** Targets of earlier configurations that still have requests in progress. */
  readonly #retired = new Set<Target>()

  constructor(
    config: RoutingConfig,
    { clock, chaos, tracing = NO_TRACING }: { clock: Clock; chaos: Chaos; tracing?: Tracing },
  ) {
    this.#clock = clock
    this.#chaos = chaos
    this.#tracing = tracing
    this.apply(config)
  }

  /**
   * Applies this configuration to requests from now on. Unchanged origins keep their connections; the others are
   * retired, not closed, because requests that are already routed may still need them.
   */
  apply({ origins, routes }: RoutingConfig): void {
    const previous = this.#targets
    const targets = new Map(origins.map((options) => [options.name, this.#targetFor(options)]))
    this.#targets = targets
    const next = routes.map(
      ({ origin: name, ...route }): Route => ({ ...route, origin: targetOf(targets, name).origin }),
    )
    this.routes.splice(0, this.routes.length, ...next)
    this.originNames.clear()
    for (const { name, origin } of next) this.originNames.set(name, origin.name)
    for (const [name, target] of previous) if (targets.get(name) !== target) this.#retire(target)
  }

  #retire(target: Target): void {
    this.#retired.add(target)
    void target.pool.retire().then(() => this.#retired.delete(target))
  }

  #targetFor(options: OriginConfig): Target {
    const current = this.#targets.get(options.name)
    if (current !== undefined && isDeepStrictEqual(current.options, options)) return current
    // If they share a URL, requests in progress there count towards the new limit too.
    const sharesNoUrl = current === undefined || !current.options.urls.some((url) => options.urls.includes(url))
    const pool = sharesNoUrl ? createOrigin(options, this.#clock) : current.pool.successor(options)
    return { options, pool, origin: this.#tracing.origin(this.#chaos.origin(pool, options), options.urls) }
  }

  get names(): { readonly routes: readonly string[]; readonly origins: readonly string[] } {
    return { routes: this.routes.map(({ name }) => name), origins: [...this.#targets.keys()] }
  }

  /** By name, including retired origins. */
  usage(): ({ origin: string } & ReturnType<PoolOrigin['usage']>)[] {
    const sums = new Map<string, { origin: string } & ReturnType<PoolOrigin['usage']>>()
    for (const { options, pool } of this.#all) {
      const { inFlight, queued } = pool.usage()
      const sum = sums.get(options.name) ?? { origin: options.name, inFlight: 0, queued: 0 }
      sums.set(options.name, { ...sum, inFlight: sum.inFlight + inFlight, queued: sum.queued + queued })
    }
    return [...sums.values()]
  }

  get #all(): readonly Target[] {
    return [...this.#targets.values(), ...this.#retired]
  }

  /** Where the next tunnel of a route goes. */
  readonly transport: UpgradeOptions['transport'] = ({ origin: { name } }) => {
    const { pool, options } = targetOf(this.#targets, name)
    const { connectTimeout, headersTimeout } = options
    return { destinations: pool.destinations, connectTimeout, headersTimeout, enter: pool.enter }
  }

  /** Aborts what is still being fetched. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ pool }) => pool.close(AbortSignal.abort())))
  }
}

function targetOf(targets: ReadonlyMap<string, Target>, name: string): Target {
  const target = targets.get(name)
  if (target === undefined) throw new HerdgateError('internal', `route names the unknown origin ${name}`)
  return target
}
