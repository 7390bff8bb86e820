/** Trace context in the fields of a message (W3C Trace Context). */
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { field, type Fields, without } from '../fields.ts'

const propagator = new W3CTraceContextPropagator()
const NAMES = new Set(propagator.fields())

/** The context in the fields; the root context where there is none, or none that is well-formed. */
export function contextIn(fields: Fields): Context {
  return propagator.extract(ROOT_CONTEXT, fields, FIELDS)
}

/** The fields with this context in place of their own. */
export function withContext(fields: Fields, context: Context): string[] {
  const others = without(fields, (name) => NAMES.has(name))
  propagator.inject(context, others, FIELDS)
  return others
}

const FIELDS = {
  keys: () => [...NAMES],
  get: (fields: Fields, name: string) => field(fields, name),
  set: (fields: string[], name: string, value: string) => void fields.push(name, value),
}
