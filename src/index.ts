/** The package: all that embedders may use. */
export * from './library.ts'
export { type HerdgateOptions, herdgate } from './library/plugin.ts'
