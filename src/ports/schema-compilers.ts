import type { FastifyServerOptions } from 'fastify'

/**
 * For a Fastify instance that has no schemas, or is given its own compilers for them. By default Fastify loads ajv and
 * fast-json-stringify, which takes a tenth of the start-up time.
 */
export const NO_SCHEMA_COMPILERS: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: () => none, buildSerializer: () => none },
}

function none(): never {
  throw new TypeError('this instance has no compiler of schemas')
}
