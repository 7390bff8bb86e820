import type { FastifyServerOptions } from 'fastify'

/**
 * For a Fastify instance that has no schemas, or is given compilers of its own for them. By default Fastify loads ajv
 * and fast-json-stringify, which takes a tenth of the time to start.
 */
export const NO_SCHEMA_COMPILERS: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: () => none, buildSerializer: () => none },
}

function none(): never {
  throw new TypeError('this instance has no compiler of schemas')
}
