/** What happens, one step after the other. */
import fc from '../../../support/fast-check.ts'

/** In one namespace, except the first. The second is what clearing the namespace removes besides. */
const KEYS = ['a', 'n', 'n/a', 'n/b'] as const
const TAGS = ['t', 'u'] as const
export const NAMESPACE = 'n'

export interface Options {
  /** In ms. */
  readonly ttl: number | undefined
  readonly grace: number | undefined
  readonly softTimeout: number | undefined
  readonly refreshAhead: number | undefined
  readonly tags: readonly string[] | undefined
}

export interface Call {
  readonly do: 'get' | 'has' | 'getMany' | 'getOrSet' | 'delete' | 'deleteMany'
  readonly node: number
  /** The first one, except for calls with many. */
  readonly keys: readonly [string, ...string[]]
  readonly inNamespace: boolean
  /** The rest is of `getOrSet`. */
  readonly options: Options
  readonly forceFresh: boolean
  /** The load ends as it begins, or when a step says so. */
  readonly atOnce: 'returned' | 'thrown' | undefined
  /** What the load does first. */
  readonly inside: Step | undefined
}

export interface Put {
  readonly do: 'set' | 'setMany'
  readonly node: number
  readonly keys: readonly [string, ...string[]]
  readonly inNamespace: boolean
  readonly options: Options
  readonly large: boolean
}

/** How one of the loads in progress ends. */
export interface End {
  readonly do: 'end'
  readonly which: number
  readonly how: 'value' | 'throw' | 'skip'
  readonly large: boolean
  /** What it sets before. */
  readonly options: Options | undefined
}

export interface Remove {
  readonly do: 'purge' | 'invalidate'
  readonly node: number
  readonly by: 'key' | 'tag' | 'all' | 'clear' | 'namespace'
  readonly key: string
  readonly tag: string
}

export type Step =
  | Call
  | Put
  | End
  | Remove
  | { readonly do: 'pass'; readonly ms: number }
  /** From now on. */
  | { readonly do: 'far'; readonly how: 'hold reads' | 'hold writes' | 'fail' | 'work' }
  | { readonly do: 'memory'; readonly isShort: boolean }

/** A step, and the pause until the next: one turn of what waits for promises, until all of that is done, or 1 ms more. */
export interface Taken {
  readonly step: Step
  readonly pause: 'none' | 'a turn' | 'settled' | 'later'
}

const node = fc.nat({ max: 1 })
const key = fc.constantFrom(KEYS[0], KEYS[0], KEYS[0], ...KEYS)
const keys = fc
  .tuple(key, fc.constantFrom(...KEYS))
  .map(([first, other]): [string, ...string[]] => (first === other ? [first] : [first, other]))
const inNamespace = fc.boolean()
const large = fc.boolean()

const options = fc.record<Options>({
  ttl: fc.constantFrom(undefined, undefined, 0, 2_000, 2_000, 10_000),
  grace: fc.constantFrom(undefined, undefined, 0, 5_000, 30_000, 30_000),
  softTimeout: fc.constantFrom(undefined, undefined, 0, 1_000),
  refreshAhead: fc.constantFrom(undefined, undefined, 0.5),
  tags: fc.constantFrom(undefined, undefined, [], [TAGS[0]], [...TAGS]),
})

const none: Options = {
  ttl: undefined,
  grace: undefined,
  softTimeout: undefined,
  refreshAhead: undefined,
  tags: undefined,
}

const plain = { options: none, forceFresh: false, atOnce: undefined, inside: undefined }

const look: fc.Arbitrary<Call> = fc.record({
  do: fc.constantFrom('get', 'get', 'has', 'getMany'),
  node,
  keys,
  inNamespace,
  ...constants(plain),
})

const drop: fc.Arbitrary<Call> = fc.record({
  do: fc.constantFrom('delete', 'delete', 'deleteMany'),
  node,
  keys,
  inNamespace,
  ...constants(plain),
})

const put: fc.Arbitrary<Put> = fc.record({
  do: fc.constantFrom('set', 'set', 'setMany'),
  node,
  keys,
  inNamespace,
  options,
  large,
})

const remove: fc.Arbitrary<Remove> = fc.record({
  do: fc.constantFrom('purge', 'purge', 'invalidate'),
  node,
  by: fc.constantFrom('key', 'key', 'tag', 'tag', 'all', 'clear', 'namespace'),
  key,
  tag: fc.constantFrom(...TAGS),
})

/** @param inside what the load does first */
const load = (inside: fc.Arbitrary<Step | undefined>): fc.Arbitrary<Call> =>
  fc.record({
    do: fc.constant('getOrSet'),
    node,
    keys,
    inNamespace,
    options: fc.oneof(fc.constant(none), options),
    forceFresh: fc.constantFrom(false, false, false, false, false, true),
    atOnce: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, undefined, 'returned', 'thrown'),
    inside,
  })

const nothing = fc.constant(undefined)
const inside = fc.oneof(
  { weight: 12, arbitrary: nothing },
  { weight: 1, arbitrary: fc.oneof<fc.Arbitrary<Step>[]>(look, drop, put, remove, load(nothing)) },
)

const end: fc.Arbitrary<End> = fc.record({
  do: fc.constant('end'),
  which: fc.nat({ max: 3 }),
  how: fc.constantFrom('value', 'value', 'value', 'throw', 'skip'),
  large,
  options: fc.oneof({ weight: 4, arbitrary: nothing }, { weight: 1, arbitrary: options }),
})

const step = fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Step> }[]>(
  { weight: 12, arbitrary: load(inside) },
  { weight: 10, arbitrary: end },
  { weight: 4, arbitrary: look },
  { weight: 3, arbitrary: put },
  { weight: 1, arbitrary: drop },
  { weight: 2, arbitrary: remove },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(250, 1_000, 1_000, 2_000, 5_000, 31_000) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('far'),
      how: fc.constantFrom('hold reads', 'hold reads', 'hold reads', 'hold writes', 'fail', 'work', 'work', 'work'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('memory'), isShort: fc.constantFrom(false, false, false, false, true) }),
  },
)

export const steps = fc.array(
  fc.record<Taken>({ step, pause: fc.constantFrom('later', 'later', 'later', 'settled', 'a turn', 'none') }),
  { minLength: 10, maxLength: 60, size: 'max' },
)

export interface Setting {
  /** Whether there is a store that nodes share behind their memory, and whether they take turns loading. */
  readonly nodes: 'one' | 'one with little room' | 'one with a far store' | 'two with a far store' | 'two in turn'
  readonly defaults: Options
  readonly maxWaiting: number | undefined
}

export const hasFar = ({ nodes }: Setting): boolean => nodes !== 'one' && nodes !== 'one with little room'

export const setting = fc.record<Setting>({
  nodes: fc.constantFrom(
    'one',
    'one',
    'one with little room',
    'one with a far store',
    'two with a far store',
    'two in turn',
  ),
  defaults: fc.oneof(fc.constant(none), options, options),
  maxWaiting: fc.oneof({ weight: 7, arbitrary: nothing }, { weight: 1, arbitrary: fc.constant(2) }),
})

function constants<T extends Readonly<Record<string, unknown>>>(values: T): { [N in keyof T]: fc.Arbitrary<T[N]> } {
  const all = Object.entries(values).map(([name, value]) => [name, fc.constant(value)])
  return Object.fromEntries(all) as { [N in keyof T]: fc.Arbitrary<T[N]> }
}
