/**
 * The nouns of the cache. Read this file first: each line names a file of `model/` that is no longer than a page or
 * two. All times are milliseconds; absolute ones count from the epoch.
 */

/** What a client asks. */
export type { CacheRequest, Peer } from './model/request.ts'

/** What an origin is asked, and answers. */
export type { OriginRequest, Content, OriginResponse, Signal, Origin } from './model/origin.ts'

/**
 * The things that may stand at a key: a response or a value, "it varies", or "the last answer was for one caller
 * alone".
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

/** Which of two was asked for later. */
export type { Order } from './model/order.ts'
export { isLater } from './model/order.ts'

/** Where they are kept. */
export type { Kept, Anew, Write, Written, Store, Peeked, TierUsage, Tier } from './model/store.ts'

/** What ends their use before its time: the log of purges and invalidations, and its verdict. */
export type { Selectors, InvalidationMode, Receipt, Verdict, InvalidationLog, LogNode } from './model/invalidation.ts'

/** One fetch per key among all who share the stores. */
export type { FetchEnding, FetchLeases, Sharing, LeaseAnswer, Lease } from './model/leases.ts'

/** What to do with a question, given what is stored; what became of it. */
export type {
  ForwardReason,
  Found,
  FoundEntry,
  FoundNothing,
  Decision,
  Fallback,
  Outcome,
} from './model/decision.ts'

/** The ways in which a request is answered, and why. */
export type { Result, Detail } from './model/results.ts'
export { byResult, DETAILS, hitRatioOf, isFromCache, outcomeOfError, RESULTS } from './model/results.ts'

/** How a configuration wants it: routes and their rules. */
export type { Rules, KeyRules, RouteMatch, Route } from './model/rules.ts'

/** What time it is. */
export type { Awaitable, Clock } from './model/clock.ts'
