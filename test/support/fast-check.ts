/** fast-check with the same inputs in every run, so that a test that fails does so again; `SEED` sets others. */
import { configureGlobal } from 'fast-check'

configureGlobal({ seed: Number(process.env['SEED'] ?? 1) })

export * from 'fast-check'
export { default } from 'fast-check'
