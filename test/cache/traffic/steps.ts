/** What happens, one step after the other. */
import fc from '../../support/fast-check.ts'
import { agreesToShare, CONTROLS, type Form, type Resource } from './resources.ts'

const PATHS = ['/a', '/b'] as const
const VARIANTS = ['r', 's'] as const
const USERS = ['', 'u', 'v'] as const
const RANGES = [
  undefined,
  undefined,
  undefined,
  'bytes=0-9',
  'bytes=5-29',
  'bytes=30-',
  'bytes=-20',
  'bytes=90-',
] as const
const DIRECTIVES = [
  undefined,
  undefined,
  undefined,
  'no-cache',
  'max-age=0',
  'max-age=3',
  'min-fresh=4',
  'max-stale=5',
  'only-if-cached',
  'no-store',
] as const

export interface Ask {
  readonly do: 'ask'
  readonly node: number
  readonly path: string
  readonly method: 'GET' | 'HEAD'
  readonly variant: string
  readonly user: string
  readonly range: string | undefined
  readonly directive: string | undefined
  /** If-None-Match: of the client's last response, or of none. */
  readonly condition: 'last' | 'other' | undefined
}

/** How the origin answers one of the requests that wait there. */
export interface Answer {
  readonly do: 'answer'
  readonly which: number
  readonly how: 'whole' | 'head' | 'refused' | '503' | 'cut'
}

export type Step =
  | Ask
  | Answer
  /** The rest of a content whose head has been sent; or it breaks off. */
  | { readonly do: 'end'; readonly which: number; readonly how: 'whole' | 'cut' }
  | { readonly do: 'change'; readonly path: string }
  | { readonly do: 'pass'; readonly seconds: number }
  | { readonly do: 'purge' | 'invalidate'; readonly by: 'tag' | 'url' | 'all'; readonly path: string }
  | { readonly do: 'post'; readonly path: string }
  | { readonly do: 'leave'; readonly which: number }

const path = fc.constantFrom(PATHS[0], ...PATHS)
const which = fc.nat({ max: 5 })
const node = fc.nat({ max: 1 })

const ask = fc.record<Ask>({
  do: fc.constant('ask'),
  node,
  path,
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD'),
  variant: fc.constantFrom(...VARIANTS),
  user: fc.constantFrom('', '', ...USERS),
  range: fc.constantFrom(...RANGES),
  directive: fc.constantFrom(...DIRECTIVES),
  condition: fc.constantFrom(undefined, undefined, undefined, 'last', 'other'),
})

const plain = fc.record<Ask>({
  do: fc.constant('ask'),
  node,
  path,
  method: fc.constant('GET'),
  variant: fc.constantFrom(...VARIANTS),
  user: fc.constant(''),
  range: fc.constant(undefined),
  directive: fc.constant(undefined),
  condition: fc.constant(undefined),
})

export const steps = fc.array(
  fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Step> }[]>(
    { weight: 5, arbitrary: ask },
    { weight: 6, arbitrary: plain },
    {
      weight: 10,
      arbitrary: fc.record<Answer>({
        do: fc.constant('answer'),
        which,
        how: fc.constantFrom('whole', 'whole', 'whole', 'whole', 'head', 'refused', '503', 'cut'),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('end'), which, how: fc.constantFrom('whole', 'whole', 'cut') }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('change'), path }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('pass'), seconds: fc.constantFrom(1, 1, 3, 6, 11, 25) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('purge', 'invalidate'),
        by: fc.constantFrom('tag', 'url', 'all'),
        path,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('post'), path }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('leave'), which }) },
  ),
  { minLength: 10, maxLength: 80, size: 'max' },
)

const form = fc.record<Form>({ control: fc.constantFrom(...CONTROLS), varies: fc.boolean() })

const resource = fc
  .record<Resource>({
    forms: fc.oneof(
      form.map((each): [Form, Form] => [each, each]),
      fc.tuple(form, form),
    ),
    personal: fc.constantFrom(undefined, undefined, undefined, undefined, 'cookie', 'authorization'),
    etag: fc.constantFrom('strong', 'strong', 'weak', undefined),
    modified: fc.boolean(),
    sized: fc.boolean(),
    ranges: fc.boolean(),
  })
  .filter(
    ({ forms, personal }) => personal === undefined || !forms.some(({ control }) => agreesToShare(control, personal)),
  )

export interface Setting {
  readonly resources: Readonly<Record<string, Resource>>
  /** In s. */
  readonly softTimeout: number | undefined
  /** Whether there is a store that nodes share behind their memory, which then holds little. */
  readonly nodes: 'one' | 'one with a far store' | 'two with a far store'
}

export const setting = fc.record<Setting>({
  resources: fc.record(Object.fromEntries(PATHS.map((each) => [each, resource]))),
  softTimeout: fc.constantFrom(undefined, undefined, 0, 2),
  nodes: fc.constantFrom('one', 'one with a far store', 'two with a far store'),
})
