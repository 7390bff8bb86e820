/** How a request ended, as its client sees it. */
export type Ending =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly cacheStatus: string
      /** The content is complete. */
      readonly isComplete: boolean
      /** The content, as far as received, is what the origin has. */
      readonly isCorrect: boolean
    }
  /** Without a response head. */
  | { readonly kind: 'unanswered'; readonly why: string }

/** explained: an error, but one that the origin's own failure made unavoidable. */
export type Judgement = 'right' | 'explained' | 'wrong'

const ORIGIN_FAILED = new Set([502, 503, 504])

export interface Circumstances {
  /** The origin was made to fail at times. */
  readonly originFails: boolean
  /** The node had sent the right response before: it has a stored one to fall back on. */
  readonly hadCopy: boolean
}

export function judge(ending: Ending, { originFails, hadCopy }: Circumstances): Judgement {
  if (isRight(ending)) return 'right'
  if (ending.kind === 'unanswered') return 'wrong'
  const { status, isComplete, isCorrect } = ending
  const mayFail = originFails && !hadCopy && !isHit(ending)
  const isFailure = ORIGIN_FAILED.has(status) || (status === 200 && !isComplete && isCorrect)
  return mayFail && isFailure ? 'explained' : 'wrong'
}

export const isRight = (ending: Ending): boolean =>
  ending.kind === 'answered' && ending.status === 200 && ending.isComplete && ending.isCorrect

/** RFC 9211 section 2.1. */
export const isHit = (ending: Ending): boolean => ending.kind === 'answered' && /;\s*hit\b/.test(ending.cacheStatus)
