/**
 * The types the cache is made of. Read this file first: each block names a file in `model/`, none longer than a page or
 * two. All times are milliseconds; absolute ones count from the epoch.
 */

/** A client's request. */
export type { CacheRequest, Peer } from './model/request.ts'

/** Requests to origins, and their responses. */
export type { OriginRequest, Content, OriginResponse, Signal, Origin } from './model/origin.ts'

/**
 * What may be stored under a key: a response, a value, a "varies" marker, or an "unshareable" marker (the last answer
 * was for one caller only).
 */
export type {
  Beginning,
  Stamp,
  Lifetime,
  Cost,
  StoredResponse,
  ByteRange,
  PartialContent,
  StoredValue,
  Entry,
  Varies,
  Unshareable,
  Stored,
} from './model/stored.ts'
export { isEntry } from './model/stored.ts'

/** Which of two entries was requested later. */
export type { Order } from './model/order.ts'
export { isAhead, isLater, isNewer } from './model/order.ts'

/** Where entries are kept. */
export type { Kept, Anew, Write, Written, Store, Peeked, TierUsage, Tier } from './model/store.ts'
export { known, peekInto } from './model/store.ts'

/** What ends an entry's use early: the log of purges and invalidations, and its verdict. */
export type { Selectors, InvalidationMode, Receipt, Verdict, InvalidationLog, LogNode } from './model/invalidation.ts'

/** One fetch per key among all processes that share the stores. */
export type { FetchEnding, FetchLeases, Sharing, LeaseAnswer, Lease } from './model/leases.ts'

/** What to do with a question, given what is stored, and the outcome. */
export type {
  ForwardReason,
  Found,
  FoundEntry,
  FoundNothing,
  Decision,
  Fallback,
  Outcome,
} from './model/decision.ts'

/** How a request was answered, and why. */
export type { Result, Detail } from './model/results.ts'
export { byResult, DETAILS, hitRatioOf, isFromCache, outcomeOfError, RESULTS } from './model/results.ts'

/** Configuration: routes and their rules. */
export type { Rules, KeyRules, RouteMatch, Route } from './model/rules.ts'

/** Whether there is enough memory. */
export type { Pressure, ProcessPressure } from './model/pressure.ts'

/** Time. */
export type { Awaitable, Clock } from './model/clock.ts'
