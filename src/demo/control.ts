import { z } from 'zod'

/**
 * How the slow API fails. refuse: the connection is reset. hang: no answer ever comes. error: 503.
 * Its own paths, `/__control` and `/__stats`, always answer.
 */
export type Outage = 'none' | 'refuse' | 'hang' | 'error'

/** What can be changed while the slow API runs. */
export interface Control {
  /** Milliseconds between a request and the response head. */
  readonly latencyMs: number
  readonly outage: Outage
  /** Share of requests answered 503, from 0 to 1. */
  readonly errorRate: number
}

const changeSchema = z.strictObject({
  latencyMs: z.number().int().min(0).max(60_000).optional(),
  outage: z.enum(['none', 'refuse', 'hang', 'error']).optional(),
  errorRate: z.number().min(0).max(1).optional(),
})

/** Applies a change, given as JSON text, to the current settings, or says what is wrong with it. */
export function changeControl(control: Control, json: string): Control | { readonly problem: string } {
  const parsed = changeSchema.safeParse(parseJson(json))
  return parsed.success ? mergeControl(control, parsed.data) : { problem: z.prettifyError(parsed.error) }
}

export function mergeControl(
  control: Control,
  change: { [Name in keyof Control]?: Control[Name] | undefined },
): Control {
  return {
    latencyMs: change.latencyMs ?? control.latencyMs,
    outage: change.outage ?? control.outage,
    errorRate: change.errorRate ?? control.errorRate,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
